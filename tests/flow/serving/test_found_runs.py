"""Whatever made a real daemon queue a run, `runs --trigger` finds it by that word, and no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.model.run import TriggerKind
from reconciler.model.tracked import TaskBases, TrackedBase
from reconciler.model.watched import Move, Served
from reconciler.store.rebuilds import add_move
from reconciler.store.runs import list_runs
from reconciler.store.task_bases import put_bases
from tests.flow.project import Project
from tests.flow.serving.desk import Daemon, daemon, eventually, state
from tests.flow.serving.test_admin import TOKEN, administered, ask
from tests.flow.serving.test_hooks import CONTEXT
from tests.unit.engine.test_clockwork import NOON
from tests.unit.wire.payloads import pull_request, push

TASK = "contoso/web-api"
BASE = "127.0.0.1:9/base:1"
TRIGGERS = {
    "commit": {},
    "pullRequest": {"forks": "allow"},
    "timers": {"nightly": {"schedule": "0 3 * * *", "missed": "run_once"}},
    "baseImage": {},
}


@pytest.fixture(name="project", scope="module")
def woken_by_everything(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A run of each kind, queued by a daemon that has no worker."""
    project = administered(tmp_path_factory.mktemp("found") / "workspace")
    project.write("web-api", context=CONTEXT, triggers=TRIGGERS)
    assert project.run("apply", "--auto-approve").code == 0
    words = ("--no-worker",)
    with daemon(project.root, *words, ADMIN_TOKEN=TOKEN) as at:
        eventually(lambda: _timers(project.root))
        at.stop()
    _a_night_and_a_push_ago(project.root)
    with daemon(project.root, *words, ADMIN_TOKEN=TOKEN) as at:
        _wake(at)
        eventually(lambda: len(_recorded(project.root)) == len(TriggerKind))
        at.stop()
    return project


def _wake(at: Daemon) -> None:
    assert at.post(push()).status_code == 202
    assert at.post(pull_request(), event="pull_request", delivery="d2").status_code == 202
    assert ask(at, f"/api/tasks/{TASK}/run", "POST").status_code == 202


def _timers(root: Path) -> int:
    with state(root) as opened, opened.read() as connection:
        found = connection.exec_driver_sql("SELECT count(*) FROM timers").scalar_one()
    return int(found)


def _a_night_and_a_push_ago(root: Path) -> None:
    """The timer was last looked at long ago, and the base of the task has moved since."""
    one = TrackedBase(reference=BASE, platform="linux/amd64", kind="runtime")
    move = Move(BASE, Served("sha256:" + "a" * 64), Served("sha256:" + "b" * 64))
    with state(root) as opened, opened.write() as connection:
        connection.exec_driver_sql("UPDATE timers SET handled = '2026-11-01T00:00:00Z'")
        put_bases(connection, TASK, TaskBases(images=(one,)), "declared", NOON)
        add_move(connection, move, NOON.timestamp(), quiet=0, longest=0)


def _recorded(root: Path) -> list[str]:
    with state(root) as opened:
        return [record.id for record in list_runs(opened)]


@pytest.mark.parametrize("kind", TriggerKind)
def test_runs_are_found_by_what_woke_them(project: Project, kind: TriggerKind) -> None:
    found = project.run("runs", "--trigger", kind.value, "-o", "json")
    assert [row["trigger"] for row in json.loads(found.out)["runs"]] == [kind.value]


def test_a_run_that_was_recorded_with_the_word_of_specs_is_found(project: Project) -> None:
    """What an earlier version wrote."""
    with state(project.root) as opened, opened.write() as connection:
        connection.exec_driver_sql(
            "UPDATE runs SET record = replace(record, '\"timer\"', '\"timers\"')"
        )
    found = project.run("runs", "--trigger", "timer", "-o", "json")
    assert [row["trigger"] for row in json.loads(found.out)["runs"]] == ["timer"]
