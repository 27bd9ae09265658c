"""The command tasks over a workspace on disk."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.adapters.processes.alive import this_process
from reconciler.base.clock import from_iso, utc_now
from reconciler.model.run import RunRecord, RunStatus
from reconciler.store.runs import insert_run
from tests.flow.project import Project, new_project


@pytest.fixture(name="project")
def applied(tmp_path: Path) -> Project:
    project = new_project(tmp_path / "workspace", "web-api", "shop-api")
    project.write("etl-job", triggers={"timers": {"hourly": "0 * * * *"}})
    assert project.run("apply", "--auto-approve").code == 0
    return project


def add_run(project: Project, *, pid: int = 1) -> None:
    task = "contoso/web-api"
    record = RunRecord(
        id="r234567", actor="dev", status=RunStatus.RUNNING, queued=utc_now(), task=task
    )
    with project.opened() as opened:
        host = this_process().host
        insert_run(opened.database, record, host=host, pid=pid, process_started="long:ago")


def test_live_tasks_are_listed_with_their_last_run(project: Project) -> None:
    add_run(project)
    outcome = project.run("tasks")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert lines[0].split()[:3] == ["TASK", "OWNER", "TRIGGERS"]
    (web,) = [line for line in lines if line.startswith("contoso/web-api")]
    assert "no owner" in web
    assert "r234567" in web
    # Nobody's terminal: nothing is cut.
    assert "https://git.contoso.example/web.git#main" in web


def test_a_run_whose_process_is_gone_is_not_shown_as_running(project: Project) -> None:
    add_run(project, pid=2**22 + 1)
    outcome = project.run("tasks")
    assert "run r234567 (contoso/web-api) is lost" in " ".join(outcome.err.split())
    assert "r234567 FAIL" in outcome.out


def test_the_json_has_the_next_fire_in_utc(project: Project) -> None:
    content = json.loads(project.run("tasks", "-o", "json").out)
    names = [one["name"] for one in content["tasks"]]
    assert names == ["etl-job", "shop-api", "web-api"]
    fire = content["tasks"][0]["next_fire"]
    gap = from_iso(fire["at"]) - from_iso(content["as_of"])
    assert fire["timer"] == "hourly"
    assert timedelta(0) < gap <= timedelta(hours=1)


def test_a_declared_task_that_was_not_applied_is_not_live(project: Project) -> None:
    project.write("new-task")
    assert "new-task" not in project.run("tasks").out


def test_a_live_document_nobody_understands_is_listed_all_the_same(project: Project) -> None:
    with project.opened() as opened:
        opened.provider.update("contoso/web-api", '{"kind": "Odd"}')
    outcome = project.run("tasks")
    assert outcome.code == 0
    assert "1 that this version cannot read" in outcome.out


def test_before_the_first_apply_there_are_none(tmp_path: Path) -> None:
    project = new_project(tmp_path / "other", "web-api")
    outcome = project.run("tasks")
    assert (outcome.code, outcome.out) == (
        0,
        "no live tasks; make them with: reconciler apply\n",
    )
