"""A queued run has one owner: the process that starts it, then the one that does it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.base.errors import ReconcilerError, WrongUsage
from reconciler.model.run import Reason, RunRecord, RunStatus
from reconciler.model.step import DockerStep
from reconciler.operations.running import detached
from reconciler.operations.running.run_place import RunPlace
from reconciler.operations.running.runs import get_run
from reconciler.runner.request import RunRequest
from reconciler.store.database import open_database
from reconciler.store.runs import adopt_lost, claim_run, hand_over, insert_run

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
REQUEST = RunRequest(id="rqueued", actor="dev", source="missing", step=DockerStep())


@pytest.fixture
def place(tmp_path: Path) -> Iterator[RunPlace]:
    database = open_database("sqlite:///state.db", tmp_path)
    yield RunPlace(database, tmp_path / "logs", {}, lambda: NOW, "dev", tmp_path)
    database.close()


def queue(place: RunPlace) -> None:
    record = REQUEST.first_record(NOW - timedelta(minutes=5))
    insert_run(place.database, record, host="here", pid=1, process_started="parent")


def owner_gone(place: RunPlace, alive: tuple[int, str]) -> list[RunRecord]:
    return adopt_lost(
        place.database, host="here", alive=lambda pid, begun: (pid, begun) == alive, now=NOW
    )


def test_a_handed_over_run_is_lost_with_its_new_process_only(place: RunPlace) -> None:
    queue(place)
    hand_over(place.database, "rqueued", host="here", pid=2, process_started="child")
    assert owner_gone(place, alive=(2, "child")) == []
    assert [record.reason for record in owner_gone(place, alive=(1, "parent"))] == [Reason.LOST]


def test_a_queued_run_is_claimed_once(place: RunPlace) -> None:
    queue(place)
    claimed = [
        claim_run(place.database, "rqueued", host="here", pid=pid, process_started="child")
        for pid in (2, 3)
    ]
    assert claimed == [True, False]


def test_the_stored_request_is_what_is_done(place: RunPlace) -> None:
    queue(place)
    record = detached.continue_run(place, "rqueued")
    assert (record.status, record.reason) == (RunStatus.FAILED, Reason.SOURCE_MISSING)
    assert record.queued == NOW - timedelta(minutes=5)
    assert get_run(place, "rqueued") == record


def test_a_run_that_nobody_queued_is_not_done_again(place: RunPlace) -> None:
    queue(place)
    detached.continue_run(place, "rqueued")
    with pytest.raises(WrongUsage, match="not waiting for anybody: Failed"):
        detached.continue_run(place, "rqueued")


def test_a_process_that_cannot_be_started_closes_the_run(
    place: RunPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/not/there")
    with pytest.raises(ReconcilerError, match="cannot be started"):
        detached.queue_run(place, REQUEST, Path.cwd())
    assert get_run(place, "rqueued").status is RunStatus.ERROR
