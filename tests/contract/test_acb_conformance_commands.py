"""The same cases through the commands `render` and `deps`, as a person would ask.

Left out of the comparison: docker socket, home and workspace volumes, names of containers; they
are ours.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.contract.test_acb_conformance import SCANS, SOURCES, TASKS, heard, is_step_call
from tests.flow.desk import Desk, Outcome

OURS = {"--name": "--task-name"}
ids = [case["name"] for case in TASKS]
ACCEPTED = [case for case in TASKS if case["result"] == "ok"]


@pytest.fixture(name="desk")
def empty_folder(tmp_path: Path) -> Desk:
    """A folder without a workspace: nothing but the files of a case."""
    desk = Desk(tmp_path)
    (tmp_path / "reconciler.yaml").unlink()
    return desk


def rendered(desk: Desk, case: dict[str, Any], *words: str) -> Outcome:
    desk.write({"task.yaml": case["yaml"], **SOURCES})
    flags = [OURS.get(word, word) for word in case["engine_flags"]]
    run = ("--registry", "reg.example.io", "--run-id", "r1")
    return desk.run("render", "task.yaml", "-o", "json", "--compat", "acb", *run, *flags, *words)


@pytest.mark.parametrize("case", TASKS, ids=ids)
def test_the_same_files_are_accepted(desk: Desk, case: dict[str, Any]) -> None:
    outcome = rendered(desk, case)
    assert (outcome.code == 0) == (case["result"] == "ok"), outcome.text
    if outcome.code == 1:
        found = json.loads(outcome.text)
        assert not found["steps"]
        assert "error" in {item["severity"] for item in found["diagnostics"]}


@pytest.mark.parametrize("case", ACCEPTED, ids=[case["name"] for case in ACCEPTED])
def test_the_same_is_run_in_the_same_order(desk: Desk, case: dict[str, Any]) -> None:
    found = json.loads(rendered(desk, case).text)
    steps = found["steps"]
    started = [{"id": step["id"], "timeout": step["timeout"]} for step in steps]
    assert started == case["steps_started"]
    calls = [heard(call) for call in case["docker_calls"] if is_step_call(call)]
    assert [words for step in steps for words in spoken(step)] == calls
    networks = [name for name in (told(item) for item in found["networks"]) if name]
    prefix = "docker network create "
    created = [call for call in case["docker_calls"] if call.startswith(prefix)]
    assert networks == [call.removeprefix(prefix) for call in created]


def told(network: dict[str, Any]) -> str:
    driver = f" --driver {network['driver']}" if network["driver"] else ""
    return f"{network['name']}{driver}" if network["create"] else ""


def spoken(step: dict[str, Any]) -> list[list[str]]:
    """The words of that engine's calls, made from what `render` says of a step."""
    if step["kind"] == "push":
        return [["push", image] for image in step["push"]]
    words = ["--rm"]
    words += ["--detach"] if step["detach"] else []
    words += ["--network", step["network"]] if step["network"] else []
    words += ["--name", step["id"]]
    # That engine puts a value on the shell's line without quotes.
    words += [w for k, v in step["env"].items() for w in ("--env", *shlex.split(f"{k}={v}"))]
    build = step["build"]
    if build is None:
        return [[*words, "--workdir", step["workingDirectory"], step["image"], *step["argv"]]]
    words += [] if build["buildkit"] else ["--env", "DOCKER_BUILDKIT=0"]
    words += ["--workdir", step["workingDirectory"]]
    if build["cache"] is None:
        return [[*words, "docker", "build", *step["argv"]]]
    reference = build["cache"]["reference"]
    cache = f"type=registry,ref={reference}"
    flags = ["--load", f"--cache-to={cache},mode=max", f"--cache-from={cache}"]
    return [[*words, "buildx", "build", *(flags if reference else []), *step["argv"]]]


@pytest.mark.parametrize("case", SCANS, ids=[case["name"] for case in SCANS])
def test_the_scanner_answers_the_same(desk: Desk, case: dict[str, Any]) -> None:
    desk.write({"Dockerfile": case["dockerfile"]})
    outcome = desk.run("deps", ".", *case["flags"], "--compat", "acb", "-o", "json")
    if case["dependencies"] is None:
        assert outcome.code == 1
        assert outcome.text.startswith("error: ")
    else:
        assert (outcome.code, json.loads(outcome.text)) == (0, case["dependencies"])
