"""What the daemon writes for many at once, in PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.engine.clockwork import Clockwork, Ticking
from reconciler.engine.intake import Arrival, Intake, Taken
from reconciler.engine.triggers import listening
from reconciler.model.event import Delivery
from reconciler.model.rebuild import Progress, Rebuild
from reconciler.model.trigger import TimerTrigger
from reconciler.store.database import Database, open_database
from reconciler.store.decisions import list_decisions
from reconciler.store.queue import depths
from reconciler.store.rebuilds import add_rebuilds, queue_rebuilds, queued_for
from reconciler.store.runs import list_runs
from tests.live.test_postgres import own_database, server
from tests.unit.engine.test_intake import pushed
from tests.unit.engine.test_triggers import task

__all__ = ["own_database", "server"]  # fixtures
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.fixture(name="database")
def opened(url: str, tmp_path: Path) -> Database:
    return open_database(url, tmp_path)


def test_messages_that_come_together_are_taken_once(database: Database) -> None:
    everyone = tuple(listening("contoso/web", task(commit={})))
    arrivals = [
        Arrival(
            pushed(f"{number:040x}"),
            everyone,
            Delivery(hook="github", id=f"d{number}", event="push", received=NOW),
        )
        for number in (1, 2, 3, 2)
    ]
    for again in (False, True):
        found = Intake(database, lambda: NOW).take_all(arrivals)
        assert [taken.again for taken in found if isinstance(taken, Taken)] == [
            again, again, again, True,
        ]  # fmt: skip
    assert depths(database)["default"].waiting == 1
    assert len(list_decisions(database)) == 3
    database.close()


def test_timers_that_are_due_together_fire_once(database: Database) -> None:
    timer = TimerTrigger(schedule="0 3 * * *")
    everyone = [Ticking(f"contoso/task-{number}", "t", "default", timer) for number in range(700)]
    for fired in (700, 0):
        clockwork = Clockwork(database)
        clockwork.wind(everyone, NOW - timedelta(seconds=30))
        assert sum(clockwork.tick(NOW) for _ in range(2)) == fired
    assert len(list_runs(database, limit=1000)) == 700
    database.close()


def test_tasks_of_an_event_are_noted_as_queued(database: Database) -> None:
    moved = {"contoso.azurecr.io/base:1": (None, "sha256:" + "a" * 64)}
    with database.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO image_events (id, opened, due, state) VALUES (1, 0, 0, 'going')"
        )
        found = [Rebuild(1, f"contoso/task-{number}", 0, moved=moved) for number in range(3)]
        add_rebuilds(connection, found)
        queue_rebuilds(
            connection,
            [Rebuild(1, one.address, 0, progress=Progress.QUEUED, run_id="r1") for one in found],
        )
        assert queued_for(connection, [one.address for one in found]) == {
            one.address: moved for one in found
        }
    database.close()
