"""Rows of runs: saved at every change, final ones never changed, lost ones found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.model.run import Reason, RunRecord, RunStatus, StepRecord, StepStatus
from reconciler.store.database import Database, open_database
from reconciler.store.runs import (
    adopt_lost,
    cancel_requested,
    find_runs,
    insert_run,
    list_runs,
    request_cancel,
    update_run,
)

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database("sqlite:///state.db", tmp_path)
    yield opened
    opened.close()


def add(
    database: Database,
    run_id: str,
    *,
    status: RunStatus = RunStatus.RUNNING,
    task: str | None = None,
    minute: int = 0,
    host: str = "here",
) -> RunRecord:
    queued = NOW + timedelta(minutes=minute)
    record = RunRecord(id=run_id, actor="dev", status=status, queued=queued, task=task)
    insert_run(database, record, host=host, pid=7, process_started="boot:1")
    return record


def closed(record: RunRecord, status: RunStatus = RunStatus.SUCCEEDED) -> RunRecord:
    return record.model_copy(update={"status": status})


def test_a_run_comes_back_as_it_was_saved(database: Database) -> None:
    record = add(database, "r234567", task="contoso/web-api")
    assert find_runs(database, "r234567") == [record]


def test_a_change_is_saved(database: Database) -> None:
    record = closed(add(database, "r234567"))
    assert update_run(database, record)
    assert find_runs(database, "r234567") == [record]


def test_a_final_run_is_never_changed(database: Database) -> None:
    record = closed(add(database, "r234567"))
    update_run(database, record)
    assert not update_run(database, closed(record, RunStatus.FAILED))
    assert find_runs(database, "r234567") == [record]


def test_the_beginning_of_an_id_is_enough(database: Database) -> None:
    add(database, "rabc")
    add(database, "rabd")
    assert [record.id for record in find_runs(database, "rab")] == ["rabc", "rabd"]
    assert [record.id for record in find_runs(database, "rabc")] == ["rabc"]


@pytest.mark.parametrize("pattern", ["%", "_", "r%"])
def test_signs_of_patterns_mean_themselves(database: Database, pattern: str) -> None:
    add(database, "rabc")
    assert find_runs(database, pattern) == []


def test_an_id_that_begins_another_is_itself(database: Database) -> None:
    add(database, "rab")
    add(database, "rabc")
    assert [record.id for record in find_runs(database, "rab")] == ["rab"]


def test_runs_are_listed_newest_first_and_filtered(database: Database) -> None:
    add(database, "r1", minute=1, task="contoso/web-api")
    add(database, "r2", minute=2, task="other/web-api", status=RunStatus.FAILED)
    add(database, "r3", minute=3)

    def ids(task: str | None = None, status: RunStatus | None = None, limit: int = 9) -> list[str]:
        found = list_runs(database, task=task, status=status, limit=limit)
        return [record.id for record in found]

    assert ids() == ["r3", "r2", "r1"]
    assert ids(limit=1) == ["r3"]
    assert ids(task="contoso/web-api") == ["r1"]
    assert ids(task="web-api") == ["r2", "r1"]
    assert ids(status=RunStatus.FAILED) == ["r2"]


def test_the_first_who_asks_for_a_stop_is_remembered(database: Database) -> None:
    add(database, "r1")
    assert cancel_requested(database, "r1") is None
    assert request_cancel(database, "r1", "first")
    assert request_cancel(database, "r1", "second")
    assert cancel_requested(database, "r1") == "first"


def test_a_final_run_cannot_be_stopped(database: Database) -> None:
    add(database, "r1", status=RunStatus.FAILED)
    assert not request_cancel(database, "r1", "late")


def test_an_open_run_whose_process_is_gone_is_lost(database: Database) -> None:
    add(database, "r1")
    lost = adopt_lost(database, host="here", alive=lambda _pid, _started: False, now=NOW)
    assert [(record.id, record.status, record.reason) for record in lost] == [
        ("r1", RunStatus.FAILED, Reason.LOST)
    ]
    assert find_runs(database, "r1") == lost
    assert adopt_lost(database, host="here", alive=lambda _pid, _started: False, now=NOW) == []


def test_a_lost_run_closes_the_step_it_was_in_and_no_other(database: Database) -> None:
    steps = tuple(
        StepRecord(name=name, kind="cmd", status=status)
        for name, status in (
            ("a", StepStatus.SUCCEEDED),
            ("b", StepStatus.RUNNING),
            ("c", StepStatus.SKIPPED),
        )
    )
    update_run(database, add(database, "r1").model_copy(update={"steps": steps}))
    (lost,) = adopt_lost(database, host="here", alive=lambda _pid, _started: False, now=NOW)
    assert [(step.status, step.finished) for step in lost.steps] == [
        (StepStatus.SUCCEEDED, None),
        (StepStatus.CANCELED, NOW),
        (StepStatus.SKIPPED, None),
    ]


def test_runs_of_living_processes_and_of_other_hosts_are_left_alone(database: Database) -> None:
    add(database, "r1")
    add(database, "r2", host="elsewhere")
    asked: list[tuple[int, str]] = []

    def alive(pid: int, started: str) -> bool:
        asked.append((pid, started))
        return True

    assert adopt_lost(database, host="here", alive=alive, now=NOW) == []
    assert asked == [(7, "boot:1")]
