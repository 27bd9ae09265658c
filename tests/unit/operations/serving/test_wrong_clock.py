"""The daemon's timers and its upkeep over a real state, with a clock that is wrong for a while."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.base.errors import ReconcilerError
from reconciler.engine.clock_watch import ClockWatch
from reconciler.model.run import LogLine, RunRecord, RunStatus
from reconciler.model.task import Retention
from reconciler.operations.serving.retention import Purged
from reconciler.operations.serving.timekeeping import Timekeeping
from reconciler.operations.serving.upkeep import Upkeep
from reconciler.operations.workspace import OpenWorkspace, open_workspace
from reconciler.store.logs import LogFile, log_path
from reconciler.store.newest_moment import newest_moment
from reconciler.store.runs import insert_run, list_runs
from tests.flow.project import new_project

NOON = datetime(2027, 1, 10, 12, 30, tzinfo=UTC)
HOUR, YEAR = timedelta(hours=1), timedelta(days=365)


class House:
    """The parts of a daemon that mind the time; it can be started again."""

    def __init__(self, root: Path) -> None:
        self.now, self.seconds = NOON, 1000.0
        self.opened: OpenWorkspace = open_workspace(root, {}, lambda: self.now)
        self.told: list[str] = []
        self.start()

    def start(self) -> None:
        newest = newest_moment(self.opened.database)
        watch = ClockWatch(
            lambda: self.now, newest, lambda told, _: self.told.append(told), lambda: self.seconds
        )
        self.timers = Timekeeping(
            self.opened,
            timers=True,
            late=lambda _seconds: None,
            queued=lambda _count: None,
            complain=_fail,
            well=lambda: None,
            watch=watch,
            anew=lambda timers: self.told.append(f"{len(timers)} anew"),
        )
        self.upkeep = Upkeep(
            self.opened, watch, lambda: {"contoso/web-api": Retention()}, _fail, self._purged
        )

    def _purged(self, purged: Purged) -> None:
        self.told.append(f"{purged.logs} logs")

    def go(self, time: timedelta = timedelta(0), *, set_by: timedelta = timedelta(0)) -> None:
        self.now += time + set_by
        self.seconds += time.total_seconds()
        self.timers.round(threading.Event())
        self.upkeep.round()

    @property
    def logs(self) -> int:
        return len(list((self.opened.state_folder / "logs").iterdir()))

    @property
    def fired(self) -> int:
        return sum(record.trigger == "timer" for record in list_runs(self.opened.database))


def _fail(error: ReconcilerError) -> None:
    raise error


@pytest.fixture(name="house")
def built(tmp_path: Path) -> Iterator[House]:
    project = new_project(tmp_path)
    hourly = {"schedule": "0 * * * *", "overlap": "allow"}
    project.write("web-api", triggers={"timers": {"hourly": hourly}})
    assert project.run("apply", "--auto-approve").code == 0
    house = House(project.root)
    done = RunRecord(
        id="r1", task="contoso/web-api", actor="dev", status=RunStatus.SUCCEEDED, queued=NOON
    )
    insert_run(house.opened.database, done, host="here", pid=1, process_started="x")
    log = LogFile(log_path(house.opened.state_folder / "logs", "r1"))
    log.write(LogLine(NOON, "build", "precious"))
    log.close()
    house.go()
    yield house
    house.opened.close()


def test_a_clock_that_is_wrong_for_a_moment_deletes_nothing_and_moves_no_timer(
    house: House,
) -> None:
    house.go(HOUR)
    assert house.fired == 1
    for way in (YEAR, -YEAR):
        house.go(set_by=way)
        house.go(timedelta(minutes=1))
        house.go(set_by=-way)
        assert house.fired == 1
    for _ in range(7):
        house.go(HOUR)
    assert (house.fired, house.logs) == (8, 1)
    assert len(house.told) == 4


def test_one_that_stays_is_followed_after_an_hour_by_the_rules_of_each_timer(house: House) -> None:
    house.go(set_by=YEAR)
    house.go(HOUR - timedelta(seconds=1))
    assert (house.fired, house.logs) == (0, 1)
    house.go(timedelta(seconds=1))
    assert house.fired == 1
    house.go(HOUR * 6)
    assert (house.fired, house.logs) == (2, 0)


def test_a_daemon_that_begins_with_a_wrong_clock_deletes_nothing_at_once(house: House) -> None:
    house.go(HOUR)
    house.start()
    house.go(set_by=YEAR)
    house.start()
    house.go()
    house.go(HOUR / 2)
    # By this clock nobody was there for a year: one fire for all of them, and one on time.
    assert (house.fired, house.logs) == (3, 1)
    house.go(set_by=-YEAR)
    house.start()
    house.go()
    assert house.told[-1] == "1 anew"
    house.go(HOUR)
    assert (house.fired, house.logs) == (4, 1)
