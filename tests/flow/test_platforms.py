"""Platforms in specs: their words, and what recorded engines cannot do is told before a run."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.model.capability import Backend, BackendKind, Capability, Recorded
from reconciler.store.capabilities import record
from tests.flow.project import Project, new_project

AMD, ARM = "linux/amd64", "linux/arm64"
WHEN = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)


def classic(*platforms: str) -> Backend:
    return Backend(kind=BackendKind.CLASSIC, version="20.10.24", platforms=platforms)


def note(project: Project, engine: str = "auto", *platforms: str) -> None:
    """Record what an engine can do, as doctor would."""
    capability = Capability(
        engine=engine,
        version="20.10.24",
        runs=platforms or (AMD,),
        backends=(classic(*(platforms or (AMD,))),),
        at=WHEN,
    )
    found = Recorded(capability=capability, by="ci@contoso.example", command="doctor")
    with project.opened() as opened, opened.database.write() as connection:
        record(connection, found)


def warnings(project: Project, command: str = "plan") -> int:
    ended = project.run(command)
    assert ended.code == 0, ended.err
    return ended.out.count("warning: ")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    found = new_project(tmp_path / "project", "web-api")
    found.write("arm-api", platform="Linux/ARM64")
    return found


@pytest.mark.parametrize("command", ["validate", "plan"])
def test_what_the_recorded_engine_cannot_do_is_told_with_all_that_helps(
    project: Project, command: str
) -> None:
    note(project)
    ended = project.run(command)
    told = " ".join(ended.out.split())
    assert ended.code == 0
    assert "warning: specs/arm-api.yaml:" in told
    assert f"the engine auto cannot do {ARM}: classic cannot build {ARM}" in told
    assert "task contoso/arm-api" in told
    assert f"found engine 20.10.24, runs {AMD}; recorded by doctor of ci@contoso.example" in told
    assert "2026-11-20T08:30:00Z" in told
    assert "install qemu-user-static (binfmt), or declare an engine" in told
    assert "then: reconciler doctor" in told
    assert told.count("warning:") == 1
    assert all(len(line) <= 80 for line in ended.out.splitlines())


def test_every_format_tells_it(project: Project) -> None:
    note(project)
    for command in ("validate", "plan"):
        found = json.loads(project.run(command, "-o", "json").out)["diagnostics"]
        assert [(item["severity"], item["task"]) for item in found] == [
            ("warning", "contoso/arm-api")
        ]
        assert found[0]["file"] == "specs/arm-api.yaml"
        notes = project.run(command, "-o", "github").out
        assert "::warning file=specs/arm-api.yaml,line=" in notes
    comment = project.run("plan", "-o", "markdown").out
    assert "### Platforms" in comment
    assert "specs/arm-api.yaml:" in comment


def test_nothing_is_said_where_nobody_has_asked_an_engine(project: Project) -> None:
    assert warnings(project, "validate") == 0
    assert not (project.root / ".reconciler").exists()  # and no state is made for it
    assert warnings(project) == 0
    note(project, "tcp://elsewhere:2376")  # of another engine
    assert warnings(project) == 0


def test_the_engine_of_the_platform_is_the_one_that_counts(project: Project) -> None:
    workspace = project.root / "reconciler.yaml"
    text = "platforms: {linux/arm64: {engine: 'tcp://arm:2376'}}\n"
    workspace.write_text(workspace.read_text() + text)
    note(project)
    assert warnings(project) == 0
    note(project, "tcp://arm:2376", "linux/arm/v7")
    told = " ".join(project.run("plan").out.split())
    assert f"the engine tcp://arm:2376 cannot do {ARM}" in told
    note(project, "tcp://arm:2376", ARM)
    assert warnings(project) == 0


def test_many_tasks_are_one_warning(project: Project) -> None:
    for number in range(80):
        project.write(f"more-{number:02}", platform="linux/arm64/v8")
    note(project)
    for _ in range(2):  # read, then taken from the index
        told = " ".join(project.run("validate").out.split())
        assert told.count("warning:") == 1
        assert "task contoso/arm-api" in told
        assert "contoso/more-03 at specs/more-03.yaml:" in told
        assert "76 more too" in told
