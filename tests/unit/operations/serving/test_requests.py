"""What a run that a base image woke is to do."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.engine.waking import run_of
from reconciler.model.event import Wake
from reconciler.model.run import TriggerKind
from reconciler.operations.serving.requests import TaskOff, request_of
from reconciler.operations.workspace import open_workspace
from tests.flow.project import new_project

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_the_digests_of_its_event_and_the_words_of_its_trigger_are_in_the_request(
    tmp_path: Path,
) -> None:
    project = new_project(tmp_path / "workspace")
    project.write("web-api", triggers={"baseImage": {"with": {"noCache": True}}})
    assert project.run("apply", "--auto-approve").code == 0
    bases = {"contoso.azurecr.io/base:1": "sha256:" + "a" * 64}
    wake = Wake(
        task="contoso/web-api", kind="baseImage", trigger="baseImage", actor="x", bases=bases
    )
    opened = open_workspace(project.root, {})
    try:
        request = request_of(opened, run_of(wake, "r1", NOW))
    finally:
        opened.close()
    assert (request.trigger, dict(request.bases)) == ("baseImage", bases)
    assert request.step.no_cache


def test_the_commit_of_an_event_is_that_of_its_own_repository(tmp_path: Path) -> None:
    project = new_project(tmp_path / "workspace")
    project.write("web-api", context={"source": "https://github.com/contoso/web.git#main:api"})
    assert project.run("apply", "--auto-approve").code == 0
    commit = "c" * 40
    sources = {}
    opened = open_workspace(project.root, {})
    try:
        for repository in ("github.com/contoso/web", "github.com/contoso/library"):
            wake = Wake(
                task="contoso/web-api",
                kind=TriggerKind.COMMIT,
                trigger="commit",
                actor="x",
                repository=repository,
                commit=commit,
            )
            request = request_of(opened, run_of(wake, "r1", NOW))
            sources[repository] = (request.source, request.known_commit)
    finally:
        opened.close()
    assert sources == {
        "github.com/contoso/web": (f"https://github.com/contoso/web.git#{commit}:api", True),
        "github.com/contoso/library": ("https://github.com/contoso/web.git#main:api", False),
    }


def test_a_task_that_went_away_while_its_run_waited_is_not_run(tmp_path: Path) -> None:
    project = new_project(tmp_path / "workspace")
    project.write("web-api")
    project.write("web-jobs", status="Disabled")
    assert project.run("apply", "--auto-approve").code == 0
    opened = open_workspace(project.root, {})
    try:
        for task, why in (("contoso/web-jobs", "disabled"), ("contoso/gone", "destroyed")):
            wake = Wake(task=task, kind=TriggerKind.TIMER, trigger="t", actor="x")
            with pytest.raises(TaskOff, match=f"the task {task} was {why} while the run waited"):
                request_of(opened, run_of(wake, "r1", NOW))
    finally:
        opened.close()
