"""What happens to a task while a daemon reads its files counts, not what was read."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.base.errors import ReconcilerError
from reconciler.model.tracked import TaskBases, TrackedBase
from reconciler.operations.serving import untracked
from reconciler.operations.serving.book import read_book
from reconciler.operations.serving.untracked import Survey
from reconciler.store.task_bases import observe_bases
from tests.flow.project import Project, new_project

ADDRESS = "contoso/web-api"


def based(*images: str) -> TaskBases:
    return TaskBases(
        images=tuple(
            TrackedBase(reference=one, platform="linux/amd64", kind="runtime") for one in images
        )
    )


@pytest.fixture(name="project")
def of_git(tmp_path: Path) -> Project:
    project = new_project(tmp_path / "workspace")
    project.write(triggers={"baseImage": {}})
    assert project.run("apply", "--auto-approve").code == 0
    return project


def surveyed(
    project: Project, monkeypatch: pytest.MonkeyPatch, *meanwhile: Callable[[], object]
) -> list[dict[str, str]]:
    """Look until nothing is left to be looked at, each time something else comes between."""
    stopping, told, waiting = threading.Event(), list[dict[str, str]](), list(meanwhile)

    def read(*_: Any) -> TaskBases:
        if not waiting:
            return based("read.example/base:1")
        waiting.pop(0)()
        return based("stale.example/base:1")

    def well() -> None:
        if not waiting:
            stopping.set()

    def refuse(error: ReconcilerError) -> None:
        raise error

    monkeypatch.setattr(untracked, "bases_of", read)
    with project.opened() as opened:
        survey = Survey(opened, lambda: read_book(opened), told.append, refuse, well)
        survey.look(stopping)
        survey_again = Survey(opened, lambda: read_book(opened), told.append, refuse, well)
        stopping.clear()
        survey_again.look(stopping)
    return told


def known(project: Project) -> tuple[str, list[str], str | None]:
    found = json.loads(project.run("show", "web-api", "-o", "json").out)["bases"]
    return found["source"], [one["reference"] for one in found["images"]], found["unknown"]


def test_nothing_comes_between(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (told,) = surveyed(project, monkeypatch)
    assert told == {"task": ADDRESS, "message": "1 base image, read from its context now"}
    assert known(project) == ("declared", ["read.example/base:1"], None)


def test_an_apply_counts_and_is_read_anew(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def apply() -> None:
        project.write(
            triggers={"baseImage": {}},
            step={"docker": {"images": ["web:1"], "args": {"X": "1"}}},
        )
        assert project.run("apply", "--auto-approve").code == 0

    (told,) = surveyed(project, monkeypatch, apply)
    assert told["message"] == "1 base image, read from its context now"
    assert known(project) == ("declared", ["read.example/base:1"], None)


def test_a_run_counts_for_good(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> None:
        with project.opened() as opened, opened.database.write() as connection:
            now = opened.clock()
            observe_bases(connection, ADDRESS, based("run.example/base:1"), asked=now, at=now)

    assert surveyed(project, monkeypatch, run) == []
    assert known(project) == ("observed", ["run.example/base:1"], None)


def test_what_was_changed_live_is_read_as_it_is_live(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change() -> None:
        project.change_live(triggers={"baseImage": {}}, timeout=900)

    (told,) = surveyed(project, monkeypatch, change)
    assert told["message"] == "1 base image, read from its context now"
    assert known(project) == ("declared", ["read.example/base:1"], None)
