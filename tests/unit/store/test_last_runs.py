"""The newest run of each task, whatever else ran."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.model.run import RunRecord, RunStatus
from reconciler.store.database import Database, open_database
from reconciler.store.last_runs import last_runs
from reconciler.store.runs import insert_run, list_runs

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database("sqlite:///state.db", tmp_path)
    yield opened
    opened.close()


def add(database: Database, run_id: str, task: str | None, minute: int = 0) -> RunRecord:
    queued = NOW + timedelta(minutes=minute)
    record = RunRecord(id=run_id, actor="dev", status=RunStatus.RUNNING, queued=queued, task=task)
    insert_run(database, record, host="here", pid=7, process_started="boot:1")
    return record


def test_the_newest_run_of_each_task_is_found(database: Database) -> None:
    add(database, "r1", "contoso/web", 1)
    newest = add(database, "r2", "contoso/web", 3)
    add(database, "r3", "contoso/web", 2)
    other = add(database, "r4", "contoso/etl", 0)
    assert last_runs(database) == {"contoso/web": newest, "contoso/etl": other}


def test_quick_builds_belong_to_no_task(database: Database) -> None:
    add(database, "r1", None)
    assert last_runs(database) == {}


def test_of_two_at_one_moment_the_list_and_the_last_agree(database: Database) -> None:
    for run_id in ("rb", "ra", "rc"):
        add(database, run_id, "contoso/web")
    (first,) = list_runs(database, task="contoso/web", limit=1)
    assert last_runs(database)["contoso/web"] == first
