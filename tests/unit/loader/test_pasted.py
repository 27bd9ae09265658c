"""Tokens in fields that are no place for them are refused and never repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow.desk import TASK, Desk

PASTED = "ghp_0123456789abcdefABCDEF0123456789abcd"


@pytest.mark.parametrize(
    "line",
    [
        f"metadata: {{name: web-api, registry: contoso, description: use {PASTED}}}",
        f"metadata: {{name: web-api, registry: contoso, labels: {{a: {PASTED}}}}}",
        f"metadata: {{name: web-api, registry: contoso, downstream: [x, {PASTED}]}}",
        "metadata: {name: web-api, registry: contoso, description: 'glpat-0123456789abcdefghij'}",
        "metadata: {name: web-api, registry: contoso, description: eyJhbGciOiJIUzI1NiJ9.e30.x}",
        "metadata: {name: web-api, registry: contoso, description: '-----BEGIN PRIVATE KEY-----'}",
    ],
)
def test_a_token_pasted_anywhere_is_an_error_with_its_place(line: str, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    text = TASK.replace("metadata: {name: web-api, registry: contoso}", line)
    desk.write({"specs/web.yaml": text})
    for command in (["validate"], ["plan"], ["plan", "--out", "p.json"]):
        outcome = desk.run(*command)
        assert outcome.code == 1
        assert "specs/web.yaml:3:" in outcome
        assert PASTED not in outcome.text
    assert not (tmp_path / "p.json").exists()


def test_words_that_only_begin_like_a_token_are_fine(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    line = "metadata: {name: web-api, registry: contoso, description: npm_ and ghp_ are prefixes}"
    head = "metadata: {name: web-api, registry: contoso}"
    desk.write({"specs/web.yaml": TASK.replace(head, line)})
    assert desk.run("validate").code == 0


def test_an_unknown_run_variable_is_an_error_with_its_place(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write({"specs/web.yaml": TASK.replace("web:1", "web:{{.Run.Idd}}")})
    outcome = desk.run("validate")
    assert outcome.code == 1
    assert "specs/web.yaml:6:" in outcome
    assert "did you mean {{.Run.ID}}?" in outcome


def test_the_item_of_a_list_is_named(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    head = "metadata: {name: web-api, registry: contoso}"
    listed = f"metadata:\n  name: web-api\n  registry: contoso\n  downstream:\n  - x\n  - {PASTED}"
    desk.write({"specs/web.yaml": TASK.replace(head, listed)})
    told = desk.run("validate")
    assert "specs/web.yaml:8:5" in told
    assert "metadata.downstream.1 holds" in told
