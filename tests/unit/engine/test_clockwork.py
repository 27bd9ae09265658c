from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.base.errors import ReconcilerError
from reconciler.engine.clockwork import Clockwork, Ticking, ticking
from reconciler.engine.waking import wake_of
from reconciler.model.run import RunRecord, RunStatus
from reconciler.store.claims import Claimed, Room, claim
from reconciler.store.database import Database, open_database
from reconciler.store.decisions import list_decisions
from reconciler.store.leases import save
from reconciler.store.runs import list_runs
from tests.unit.engine.test_triggers import task

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def timers(name: str = "contoso/web", status: str = "Enabled", **schedules: Any) -> list[Ticking]:
    return ticking(name, task(status=status, timers=schedules))


class Tower:
    """A clockwork over a state; its time is what the test says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database: Database = open_database("sqlite:///state.db", folder)
        self.ids = (f"r{number:05}" for number in itertools.count(1))
        self.clockwork = Clockwork(self.database, lambda: next(self.ids))

    def restart(self) -> None:
        """As after kill -9: a new clockwork, and only the state."""
        self.database.close()
        self.database = open_database("sqlite:///state.db", self.folder)
        self.clockwork = Clockwork(self.database, lambda: next(self.ids))

    def at(self, moment: datetime) -> int:
        count = 0
        while (wake := self.clockwork.next_wake) is not None and wake <= moment:
            count += self.clockwork.tick(moment)
        return count

    def runs(self) -> list[RunRecord]:
        return sorted(list_runs(self.database, limit=100_000), key=lambda record: record.id)

    def due(self) -> list[datetime]:
        wakes = [wake_of(record.wanted) for record in self.runs()]
        return [wake.due for wake in wakes if wake is not None and wake.due is not None]

    def verdicts(self) -> Counter[str]:
        found = list_decisions(self.database, limit=100_000)
        return Counter(item.verdict.value for item in found)

    def begin(self) -> Claimed:
        (found,) = claim(self.database, "a", {"default": Room(1)}, 600, lambda: NOON)
        return found

    def end(self, claimed: Claimed) -> None:
        done = claimed.record.model_copy(update={"status": RunStatus.SUCCEEDED})
        save(self.database, claimed.lease, done)


@pytest.fixture(name="tower")
def built(tmp_path: Path) -> Iterator[Tower]:
    tower = Tower(tmp_path)
    yield tower
    tower.database.close()


def test_which_timers_tick() -> None:
    two = timers(hourly="0 * * * *", off={"schedule": "0 0 * * *", "status": "Disabled"})
    assert [one.name for one in two] == ["hourly"]
    assert timers(status="Disabled", hourly="0 * * * *") == []


def test_a_timer_wakes_its_task_when_it_is_due(tower: Tower) -> None:
    tower.clockwork.wind(timers(hourly="0 * * * *"), NOON + MINUTE)
    assert tower.at(NOON + MINUTE * 59) == 0
    assert tower.clockwork.next_wake == NOON + HOUR
    assert tower.at(NOON + HOUR) == 1
    (record,) = tower.runs()
    assert (record.task, record.trigger, record.actor) == ("contoso/web", "timer", "timer")
    assert tower.due() == [NOON + HOUR]
    (decided,) = list_decisions(tower.database, task="contoso/web")
    assert (decided.trigger, decided.subject, decided.run_id) == ("hourly", "0 * * * *", record.id)


def test_a_new_timer_has_missed_nothing(tower: Tower) -> None:
    tower.clockwork.wind(timers(hourly={"schedule": "0 * * * *", "missed": "run_all"}), NOON)
    assert tower.at(NOON) == 0
    tower.clockwork.wind(
        timers(hourly={"schedule": "*/5 * * * *", "missed": "run_all"}), NOON + HOUR
    )
    assert tower.at(NOON + HOUR) == 0
    assert tower.at(NOON + HOUR + MINUTE * 5) == 1


@pytest.mark.parametrize(("missed", "count"), [("skip", 0), ("run_once", 1), ("run_all", 6)])
def test_hours_that_nobody_was_there(tower: Tower, missed: str, count: int) -> None:
    mine = timers(hourly={"schedule": "0 * * * *", "missed": missed})
    tower.clockwork.wind(mine, NOON)
    tower.restart()
    back = NOON + HOUR * 6 + MINUTE * 30
    tower.clockwork.wind(mine, back)
    assert tower.at(back) == count
    assert len(tower.runs()) == count
    assert tower.verdicts()["missed"] == (0 if missed == "run_all" else 1)
    tower.restart()
    tower.clockwork.wind(mine, back)
    assert tower.at(back) == 0


def test_a_clock_that_jumps_forth_and_back(tower: Tower) -> None:
    tower.clockwork.wind(timers(hourly={"schedule": "0 * * * *", "overlap": "allow"}), NOON)
    assert tower.at(NOON + HOUR) == 1
    assert tower.at(NOON + HOUR * 4 + MINUTE * 5) == 1
    for moment in (NOON + HOUR * 2, NOON + HOUR * 3, NOON - HOUR * 9, NOON + HOUR * 4):
        assert tower.at(moment) == 0
    tower.restart()
    tower.clockwork.wind(timers(hourly={"schedule": "0 * * * *", "overlap": "allow"}), NOON)
    assert tower.at(NOON + HOUR * 4) == 0
    assert tower.at(NOON + HOUR * 5) == 1
    assert tower.due() == [NOON + HOUR, NOON + HOUR * 4, NOON + HOUR * 5]


def test_a_kill_before_the_commit_fires_again_and_after_it_does_not(tower: Tower) -> None:
    mine = timers(hourly={"schedule": "0 * * * *", "overlap": "allow"})
    tower.clockwork.wind(mine, NOON)
    tower.clockwork.new_id = _fault
    with pytest.raises(ReconcilerError):
        tower.at(NOON + HOUR)
    assert tower.runs() == []
    assert tower.clockwork.next_wake == NOON
    tower.restart()
    tower.clockwork.wind(mine, NOON + HOUR)
    assert tower.at(NOON + HOUR) == 1
    tower.restart()
    tower.clockwork.wind(mine, NOON + HOUR)
    assert tower.at(NOON + HOUR) == 0


def _fault() -> str:
    raise ReconcilerError("killed")


def test_two_clockworks_of_one_state_fire_once(tower: Tower) -> None:
    other = Clockwork(tower.database, lambda: next(tower.ids))
    mine = timers(hourly={"schedule": "0 * * * *", "overlap": "allow"})
    for one in (tower.clockwork, other):
        one.wind(mine, NOON)
        one.tick(NOON)
    assert tower.at(NOON + HOUR) == 1
    other.tick(NOON + HOUR)
    assert tower.due() == [NOON + HOUR]


def test_runs_that_may_overlap_do(tower: Tower) -> None:
    tower.clockwork.wind(timers(m={"schedule": "* * * * *", "overlap": "allow"}), NOON)
    for minute in range(1, 4):
        tower.at(NOON + MINUTE * minute)
    assert len(claim(tower.database, "a", {"default": Room(9)}, 600, lambda: NOON)) == 3


def test_runs_that_shall_follow_each_other_wait_and_only_one(tower: Tower) -> None:
    tower.clockwork.wind(timers(m="* * * * *"), NOON)
    tower.at(NOON + MINUTE)
    first = tower.begin()
    for minute in range(2, 6):
        tower.at(NOON + MINUTE * minute)
    assert claim(tower.database, "b", {"default": Room(9)}, 600, lambda: NOON) == []
    assert tower.verdicts() == {"queued": 2, "coalesced": 3}
    tower.end(first)
    second = tower.begin()
    assert tower.due() == [NOON + MINUTE, NOON + MINUTE * 5]
    tower.end(second)


def test_runs_that_are_made_up_follow_each_other_and_of_those_on_time_one_waits(
    tower: Tower,
) -> None:
    mine = timers(h={"schedule": "0 * * * *", "missed": "run_all", "maxMissed": 3})
    tower.clockwork.wind(mine, NOON)
    for hour in (1, 2, 3):
        tower.at(NOON + HOUR * hour)
    assert tower.due() == [NOON + HOUR * 3]
    tower.at(NOON + HOUR * 8 + MINUTE * 30)  # nobody was there from 4 to 8
    late = [NOON + HOUR * hour for hour in (6, 7, 8)]
    assert tower.due() == [NOON + HOUR * 3, *late]
    for hour in (9, 10, 11):
        tower.at(NOON + HOUR * hour)
    # The run of 3 o'clock waits in the place it had, and does what came on time.
    assert tower.due() == [NOON + HOUR * 11, *late]
    done = []
    for _ in range(4):
        claimed = tower.begin()
        done.append(claimed.record.id)
        assert claim(tower.database, "b", {"default": Room(9)}, 600, lambda: NOON) == []
        tower.end(claimed)
    assert len(set(done)) == 4


def test_a_timer_that_is_handled_far_in_the_future_begins_anew(tower: Tower) -> None:
    told: list[int] = []
    mine = timers(h={"schedule": "0 * * * *", "overlap": "allow"})
    tower.clockwork.wind(mine, NOON)
    assert tower.at(NOON + timedelta(days=365, minutes=1)) == 1
    for moment in (NOON + HOUR, NOON + HOUR + MINUTE):
        tower.restart()
        tower.clockwork.anew = lambda found: told.append(len(found))
        tower.clockwork.wind(mine, moment)
        assert tower.at(moment) == 0
        assert sum(told) == 1
    assert tower.at(NOON + HOUR * 2) == 1
    assert tower.due()[1:] == [NOON + HOUR * 2]


def test_one_that_is_handled_a_day_ahead_fires_nothing_again(tower: Tower) -> None:
    told: list[int] = []
    mine = timers(h={"schedule": "0 * * * *", "overlap": "allow"})
    tower.clockwork.anew = lambda found: told.append(len(found))
    tower.clockwork.wind(mine, NOON)
    assert tower.at(NOON + HOUR * 24) == 1
    tower.clockwork.wind(mine, NOON)
    assert tower.at(NOON + HOUR * 24) == 0
    assert tower.at(NOON + HOUR * 25) == 1
    assert told == []


def test_runs_that_would_overlap_are_skipped(tower: Tower) -> None:
    tower.clockwork.wind(timers(m={"schedule": "* * * * *", "overlap": "skip"}), NOON)
    assert tower.at(NOON + MINUTE) == 1
    first = tower.begin()
    assert tower.at(NOON + MINUTE * 2) == 0
    tower.end(first)
    assert tower.at(NOON + MINUTE * 3) == 1
    assert tower.verdicts() == {"queued": 2, "overlap": 1}


def test_what_else_the_task_does_is_no_reason_to_skip_a_timer(tower: Tower) -> None:
    skips = {"schedule": "* * * * *", "overlap": "skip"}
    tower.clockwork.wind(timers(hourly="59 * * * *", m=skips), NOON + MINUTE * 58)
    assert tower.at(NOON + MINUTE * 59) == 2
    one = tower.begin()
    with pytest.raises(ValueError, match="not enough values"):
        tower.begin()  # both push the tags of the task
    assert tower.at(NOON + MINUTE * 60) == 0
    tower.end(one)
    tower.end(tower.begin())
    assert tower.at(NOON + MINUTE * 61) == 1
    assert tower.verdicts() == {"queued": 3, "overlap": 1}


def test_timers_of_tasks_that_went_away_are_forgotten(tower: Tower) -> None:
    tower.clockwork.wind([*timers("a/one", m="* * * * *"), *timers("a/two", m="* * * * *")], NOON)
    tower.clockwork.wind(timers("a/two", m="* * * * *"), NOON)
    assert tower.at(NOON + MINUTE) == 1
    assert {record.task for record in tower.runs()} == {"a/two"}


def test_several_thousand_at_once(tower: Tower) -> None:
    many = [one for n in range(2500) for one in timers(f"a/task-{n}", m="* * * * *")]
    tower.clockwork.wind(many, NOON)
    assert tower.at(NOON + MINUTE) == 2500
    assert len({record.task for record in tower.runs()}) == 2500


def test_a_simulated_day_has_exactly_its_fires(tower: Tower) -> None:
    many = [
        one
        for n in range(20)
        for one in timers(f"a/task-{n:02}", h={"schedule": f"{n} * * * *", "overlap": "allow"})
    ]
    tower.clockwork.wind(many, NOON)
    moment = NOON
    while moment < NOON + timedelta(days=1):
        moment += timedelta(seconds=37)
        tower.at(min(moment, NOON + timedelta(days=1)))
    assert Counter(record.task for record in tower.runs()) == {
        f"a/task-{n:02}": 24 for n in range(20)
    }


def test_timers_of_one_schedule_that_differ_otherwise_are_each_looked_at(tower: Tower) -> None:
    every: dict[str, Any] = {"schedule": "0 * * * *", "missed": "run_all", "overlap": "allow"}
    early = timers(
        all=every,
        two=every | {"maxMissed": 2},
        once=every | {"missed": "run_once"},
        skip=every | {"missed": "skip"},
        later=every | {"jitter": "30m"},
    )
    tower.clockwork.wind(early, NOON)
    mine = [*early, *timers("contoso/new", all=every)]
    tower.clockwork.wind(mine, NOON + MINUTE * 90)  # nobody looks before the machine goes off
    tower.restart()
    tower.clockwork.wind(mine, NOON + HOUR * 6 + MINUTE * 2)
    tower.at(NOON + HOUR * 6 + MINUTE * 2)
    wakes = (wake_of(record.wanted) for record in tower.runs())
    fired = Counter(f"{wake.task} {wake.trigger}" for wake in wakes if wake is not None)
    assert fired == {
        "contoso/web all": 6,
        "contoso/web two": 2,
        "contoso/web once": 1,
        "contoso/web later": 5,
        "contoso/new all": 5,
    }
