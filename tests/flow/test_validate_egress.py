"""validate says what of a closed task would lead out, and what no engine holds."""

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
  context: {source: app}
  network: {egress: none}
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def told(desk: Desk, text: str) -> list[tuple[str, int, str]]:
    desk.validate(text)
    found = json.loads(desk.run("validate", "-o", "json").text)["diagnostics"]
    return [(item["severity"], item["line"], item["message"]) for item in found]


def steps(*lines: str) -> str:
    return HEAD + "  step:\n    inline:\n" + "".join(f"      {line}\n" for line in lines)


@pytest.mark.parametrize(
    ("lines", "line", "words"),
    [
        (["steps:", "  - {id: a, cmd: x}", "  - {cmd: x, network: host}"], 11, "leads out"),
        (["steps: [{id: a, cmd: x, privileged: true}]"], 9, "is privileged"),
        (["steps: [{cmd: x}]", "networks: [{name: n, ipv6: true}]"], 10, "with IPv6"),
        (["steps: [{cmd: x}]", "networks: [{name: n, driver: macvlan}]"], 10, "may lead out"),
        (
            ["steps: [{cmd: x}]", "networks: [{name: n, skipCreation: true}]"],
            10,
            "exists already",
        ),
    ],
)
def test_a_way_out_is_an_error_at_its_place(
    desk: Desk, lines: list[str], line: int, words: str
) -> None:
    [found] = [item for item in told(desk, steps(*lines)) if "egress" in item[2]]
    assert found[:2] == ("error", line)
    assert words in found[2]
    assert told(desk, steps(*lines).replace("none", "any")) == []


def test_the_engines_socket_is_a_way_out_of_a_task_file_too(desk: Desk) -> None:
    text = HEAD + "  dockerSocket: true\n  step: {file: {path: task.yaml}}\n"
    [found] = told(desk, text)
    assert found[:2] == ("error", 7)
    assert "hands every step the engine" in found[2]


@pytest.mark.parametrize(
    ("dockerfile", "words"),
    [
        ("FROM a\nARG S=p\nADD htt${S}://x.example/f /f\n", "line 3 adds htt${S}://x.example/f"),
        ("# syntax=x.example/f:1\nFROM a\n", "syntax= in Dockerfile line 1"),
    ],
)
def test_a_dockerfile_that_leads_out_is_told_before_any_run(
    desk: Desk, dockerfile: str, words: str
) -> None:
    text = HEAD + "  step: {docker: {}}\n"
    desk.write({"app/Dockerfile": "FROM a\nADD ./$X /f\n"})
    assert told(desk, text) == []
    desk.write({"app/Dockerfile": dockerfile})
    [found] = told(desk, text)
    assert found[:2] == ("warning", 6)
    assert words in found[2]
    assert words in " ".join(desk.run("plan").text.split())
    assert told(desk, text.replace("none", "any")) == []


def test_what_no_engine_holds_of_steps_side_by_side_is_a_warning(desk: Desk) -> None:
    [found] = told(desk, steps('steps: [{cmd: x}, {cmd: x, when: ["-"]}]'))
    assert found[:2] == ("warning", 6)
    assert "broadcast or multicast" in found[2]
    for words in (("plan",), ("plan", "-o", "json"), ("plan", "-o", "markdown")):
        planned = desk.run(*words)
        assert planned.code == 0, planned.text
        assert "broadcast or multicast" in " ".join(planned.text.split())
    assert told(desk, steps("steps: [{cmd: x}, {cmd: x}]")) == []
