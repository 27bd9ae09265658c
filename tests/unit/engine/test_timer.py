from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.engine.timer import Fires, jitter_of, look
from reconciler.model.trigger import TimerTrigger

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR, MINUTE, NONE = timedelta(hours=1), timedelta(minutes=1), timedelta(0)


def timer(schedule: str = "0 * * * *", **other: Any) -> TimerTrigger:
    given = {"schedule": schedule} | other
    return TimerTrigger.model_validate(given)


def hours(*numbers: int) -> tuple[datetime, ...]:
    return tuple(NOON + HOUR * number for number in numbers)


def test_nothing_is_due_before_its_time() -> None:
    assert look(timer(), NONE, NOON, NOON + MINUTE * 59) == Fires((), 0, NOON, NOON + HOUR)


def test_a_fire_is_due_at_its_minute_and_only_once() -> None:
    now = NOON + HOUR
    found = look(timer(), NONE, NOON, now)
    assert found == Fires((now,), 0, now, now + HOUR)
    assert look(timer(), NONE, found.handled, now + timedelta(seconds=30)).due == ()


@pytest.mark.parametrize(
    ("missed", "late", "both"),
    [
        ({"missed": "skip"}, (), (5,)),
        ({"missed": "run_once"}, (5,), (5,)),
        ({"missed": "run_all"}, (1, 2, 3, 4, 5), (1, 2, 3, 4, 5)),
        ({"missed": "run_all", "maxMissed": 2}, (4, 5), (3, 4, 5)),
    ],
)
def test_what_is_missed(
    missed: dict[str, Any], late: tuple[int, ...], both: tuple[int, ...]
) -> None:
    asleep = look(timer(**missed), NONE, NOON, NOON + HOUR * 5 + MINUTE * 2)
    assert (asleep.due, asleep.handled) == (hours(*late), NOON + HOUR * 5)
    assert asleep.missed == 5 - len(late)
    sharp = look(timer(**missed), NONE, NOON, NOON + HOUR * 5 + timedelta(seconds=59))
    assert (sharp.due, sharp.missed) == (hours(*both), 5 - len(both))


def test_a_clock_that_goes_back_fires_nothing_again() -> None:
    first = look(timer(), NONE, NOON, NOON + HOUR * 2)
    back = look(timer(), NONE, first.handled, NOON - HOUR * 3)
    assert (back.due, back.handled, back.wake) == ((), first.handled, NOON + HOUR * 3)


def test_a_year_away_is_looked_at_in_no_time() -> None:
    found = look(timer("* * * * *", missed="run_all"), NONE, NOON - timedelta(days=400), NOON)
    assert len(found.due) == 10 + 1
    assert found.due[-1] == NOON


def test_jitter_moves_every_fire_of_a_timer_by_as_much() -> None:
    some = timer(jitter="10m")
    delay = jitter_of("contoso/web-api/nightly", some)
    assert NONE < delay < MINUTE * 10
    assert delay == jitter_of("contoso/web-api/nightly", some)
    assert len({jitter_of(f"contoso/web-{number}/nightly", some) for number in range(50)}) > 40
    assert jitter_of("contoso/web-api/nightly", timer()) == NONE
    assert look(some, delay, NOON, NOON + HOUR + delay - timedelta(seconds=1)).due == ()
    found = look(some, delay, NOON, NOON + HOUR + delay)
    assert (found.due, found.wake) == (hours(1), NOON + HOUR * 2 + delay)


MOMENTS = st.lists(st.integers(-200, 600), min_size=1, max_size=30)


@given(MOMENTS, st.sampled_from(["*/7 * * * *", "0 */2 * * *", "30 12 * * 6"]))
def test_run_all_gives_each_due_time_once_wherever_the_clock_goes(
    minutes: list[int], schedule: str
) -> None:
    every = timer(schedule, missed="run_all", maxMissed=100)
    handled, seen = NOON, list[datetime]()
    for minute in minutes:
        found = look(every, NONE, handled, NOON + MINUTE * minute)
        seen, handled = [*seen, *found.due], found.handled
    furthest = NOON + MINUTE * max(0, *minutes)
    once = look(timer(schedule, missed="run_all", maxMissed=100), NONE, NOON, furthest)
    assert seen == sorted(set(seen))
    assert handled == once.handled
    if len(once.due) < 100:
        assert tuple(seen) == once.due


@given(MOMENTS)
def test_run_once_never_runs_more_than_there_are_looks(minutes: list[int]) -> None:
    handled, runs = NOON, 0
    for minute in minutes:
        found = look(timer("*/7 * * * *"), NONE, handled, NOON + MINUTE * minute)
        assert len(found.due) <= 1
        assert found.handled >= handled
        runs, handled = runs + len(found.due), found.handled
    assert runs <= len(minutes)


def test_a_day_of_hourly_looks_gives_twenty_four() -> None:
    handled, runs = NOON, 0
    for second in range(0, 86400, 20):
        found = look(timer(), NONE, handled, NOON + timedelta(seconds=second + 20))
        runs, handled = runs + len(found.due), found.handled
    assert runs == 24
