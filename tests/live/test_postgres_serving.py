"""What the daemon writes for many at once, in PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.engine.clockwork import Clockwork, Ticking
from reconciler.engine.intake import Arrival, Intake, Taken
from reconciler.engine.late_builds import Windows, before_look, late_builds
from reconciler.engine.poll_logins import Asking, remember
from reconciler.engine.polling import polled_by
from reconciler.engine.triggers import listening
from reconciler.model.event import Delivery, Push
from reconciler.model.rebuild import Progress, Rebuild
from reconciler.model.trigger import TimerTrigger
from reconciler.store.database import Database, open_database
from reconciler.store.decisions import list_decisions
from reconciler.store.polled_looks import count_failing, keep_looks, troubled_looks
from reconciler.store.queue import depths
from reconciler.store.rebuilds import add_rebuilds, queue_rebuilds, queued_for
from reconciler.store.runs import list_runs
from tests.live.test_postgres import own_database, server
from tests.unit.engine.test_intake import pushed
from tests.unit.engine.test_polling import Answer
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


def test_a_run_that_waits_takes_on_the_newest_work_and_its_pool(database: Database) -> None:
    intake = Intake(database, lambda: NOW)
    for number, pool in ((1, None), (2, "gpu")):
        of = task(commit={})
        of = of.model_copy(
            update={
                "spec": of.spec.model_copy(
                    update={"agent": of.spec.agent.model_copy(update={"pool": pool})}
                )
            }
        )
        intake.take(pushed(f"{number:040x}"), listening("contoso/web", of))
    assert {name: depth.waiting for name, depth in depths(database).items()} == {"gpu": 1}
    (record,) = list_runs(database)
    assert record.commit == f"{2:040x}"
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


def test_looks_at_repositories_are_kept_and_put_late_builds_right(database: Database) -> None:
    listens = task(commit={"poll": "10s"})
    (one,) = polled_by("contoso/web", listens)
    refused = Asking((), accepted={"env:PAT"}, refused={"env:OLD": "no"})
    tokens = replace(one, tokens=("env:OLD", "env:PAT"))
    for minutes, why in enumerate((None, "gone", "gone")):
        remember(database, tokens, refused, why, NOW + timedelta(minutes=minutes))
    with database.read() as connection:
        (look,) = troubled_looks(connection)
        assert count_failing(connection) == 1
    assert (look.seen_at, look.message) == (NOW.timestamp(), "gone")
    assert look.refused["env:OLD"].since == NOW.timestamp()
    keep_looks(database, set())
    with database.read() as connection:
        assert troubled_looks(connection) == []
    windows, at = Windows(), {"refs/heads/main": "5" * 40}
    windows.looked(one, before_look(database))
    message = Delivery(hook="github", id="d1", event="push", received=NOW)
    everyone = tuple(listening("contoso/web", listens))
    Intake(database, lambda: NOW).take(pushed("4" * 40), everyone, message)
    windows.looked(one, before_look(database))
    window = windows.of(one)
    assert window is not None
    (late,) = late_builds(database, one, Answer(at), window)
    assert isinstance(late.event, Push)
    assert (late.event.before, late.event.after) == ("4" * 40, "5" * 40)
    database.close()
