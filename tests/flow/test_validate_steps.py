"""validate reads the steps that a spec holds: at their place, and without what only a run knows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.flow.desk import Desk

HEAD = """\
apiVersion: reconciler/v1
kind: Task
metadata: {name: web-api, registry: contoso}
spec:
  context: {source: "https://git.contoso.example/web.git#main"}
"""
WRONG = """\
  step:
    inline:
      steps:
        - cmd: busybox && echo
          when: [nope]
        - cmd: x $UNKNOWN
        - {id: a, cmd: x}
        - {id: a, build: .}
"""


@pytest.fixture(name="desk")
def with_a_workspace(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def inline(*lines: str) -> str:
    return HEAD + "  step:\n    inline:\n" + "".join(f"      {line}\n" for line in lines)


def test_wrong_steps_are_told_at_their_place(desk: Desk) -> None:
    outcome = desk.validate(HEAD + WRONG)
    assert (outcome.code, "4 errors, 0 warnings in 1 task" in outcome) == (1, True)
    found = json.loads(desk.run("validate", "-o", "json").text)["diagnostics"]
    assert [
        (item["line"], item["column"], item["message"].partition(": ")[2]) for item in found
    ] == [
        (9, 11, '"cmd" holds what only a shell understands, outside quotes'),
        (10, 18, 'step "acb_step_0" waits for a step that does not exist'),
        (11, 11, "unknown alias $UNKNOWN"),
        (13, 12, 'two steps have the id "a"'),
    ]
    assert {item["severity"] for item in found} == {"error"}
    for words in (("plan",), ("apply", "--auto-approve")):
        refused = desk.run(*words)
        assert refused.code == 1
        assert "no run of it would start" in refused


@pytest.mark.parametrize("step", ["{build: /etc}", "{build: '--squash .'}", "{cmd: x, network: n}"])
def test_what_no_run_does_is_told_before_a_run(desk: Desk, step: str) -> None:
    assert desk.validate(inline(f"steps: [{step}]")).code == 1
    assert desk.validate(inline("steps: [{build: .}]")).code == 0


def test_with_compat_acb_steps_are_read_as_the_engine_does(desk: Desk) -> None:
    lax = "  compat: acb\n" + WRONG.replace("          when: [nope]\n", "").replace("id: a,", "")
    outcome = desk.validate(HEAD + lax)
    assert (outcome.code, "0 errors, 0 warnings" in outcome) == (0, True)


@pytest.mark.parametrize(
    "lines",
    [
        ("steps: [{build: '-t web:$Commit-$ID .'}, {push: ['$Registry/web:{{.Run.ID}}']}]",),
        ("steps: [{cmd: 'x {{ .Values.given | upper }}'}]",),
        (
            "steps: [{cmd: x, env: ['K={{ b64dec .Values.pw }}']}]",
            "setSecret: {pw: 'env:PW'}",
        ),
        ("steps: [{cmd: 'x {{ trunc 8 .Run.Commit }} && y'}]",),
        ("steps: [{cmd: 'x $other'}]", "alias: {src: [aliases.yaml]}"),
        (
            "steps: [{cmd: x, env: ['K={{.Secrets.s}}']}]",
            "secrets: [{id: s, keyvault: 'https://kv.vault.azure.net/secrets/s'}]",
        ),
    ],
)
def test_what_only_a_run_knows_is_left_to_it(desk: Desk, lines: tuple[str, ...]) -> None:
    # {{ .Values.given }} may come with `run --set`.
    text = inline(*lines).replace(".Values.given | upper", ".Values.given")
    outcome = desk.validate(text)
    assert (outcome.code, "0 errors, 0 warnings" in outcome) == (0, True), outcome.text


def test_a_value_that_is_there_is_used(desk: Desk) -> None:
    steps = "steps: [{cmd: 'x', timeout: 5, env: ['{{ .Values.pair }}']}]"
    assert "no run of it" not in desk.validate(inline(steps, "values: {pair: A=1}"))
    assert "is written NAME=value" in desk.validate(inline(steps, "values: {pair: alone}"))


def test_a_secret_where_everybody_sees_it_is_told(desk: Desk) -> None:
    steps = "steps: [{cmd: x, user: '{{ .Values.pw }}'}]"
    assert '"user" holds a secret' in desk.validate(inline(steps, "setSecret: {pw: 'env:PW'}"))
    steps = "steps: [{cmd: 'x {{ .Values.pw }}'}]"
    told = desk.validate(inline(steps, "setSecret: {pw: 'env:PW'}"))
    assert "the words of cmd hold a" in told
