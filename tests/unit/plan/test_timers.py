"""Timers that wake a task more or less often than before."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.plan.facts import TimerChange
from reconciler.plan.timers import runs_a_day, timer_changes
from tests.unit.plan.builders import NOW, compared, task


def found(before: dict[str, Any], after: dict[str, Any], **spec: Any) -> list[TimerChange]:
    old = task(triggers={"timers": before})
    new = task(triggers={"timers": after}, **spec)
    return list(timer_changes(compared([new], [old], [old]).changes, NOW))


def test_a_changed_schedule_says_how_often_and_when_next() -> None:
    (timer,) = found({"nightly": "0 3 * * *"}, {"nightly": "0 */2 * * *"})
    assert (timer.timer, timer.runs_before, timer.runs_after) == ("nightly", 1, 12)
    assert timer.next == datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def test_a_timer_that_comes_and_one_that_goes_are_told() -> None:
    new, gone = found({"old": "0 3 * * *"}, {"new": "0 4 * * *"})
    assert (gone.timer, gone.after, gone.runs_after, gone.next) == ("old", None, 0, None)
    assert (new.timer, new.before, new.runs_before, new.runs_after) == ("new", None, 0, 1)


def test_the_timers_of_a_new_task_are_told_but_for_those_that_are_off() -> None:
    timers = {"nightly": "0 3 * * *", "off": {"schedule": "0 4 * * *", "status": "Disabled"}}
    new = task(triggers={"timers": timers})
    (timer,) = timer_changes(compared([new], [], []).changes, NOW)
    assert (timer.timer, timer.before, timer.runs_after) == ("nightly", None, 1)
    asleep = task(triggers={"timers": timers}, status="Disabled")
    assert timer_changes(compared([asleep], [], []).changes, NOW) == ()


@pytest.mark.parametrize(
    ("after", "spec"),
    [
        ({"nightly": {"schedule": "0 3 * * *", "status": "Disabled"}}, {}),
        ({"nightly": "0 3 * * *"}, {"status": "Disabled"}),
    ],
)
def test_what_is_switched_off_runs_no_more(after: dict[str, Any], spec: dict[str, Any]) -> None:
    (timer,) = found({"nightly": "0 3 * * *"}, after, **spec)
    assert (timer.runs_before, timer.runs_after, timer.next) == (1, 0, None)


def test_the_same_timers_are_no_change_of_timers() -> None:
    assert found({"nightly": "0 3 * * *"}, {"nightly": "0 3 * * *"}, timeout=900) == []


@pytest.mark.parametrize(
    ("schedule", "runs"),
    [
        ("*/15 * * * *", 96),
        ("0 3 * * 1", 0.143),
        ("0 3 1 * *", 0.033),
        ("0 3,15 * * 1-5", 1.429),
        (None, 0),
        ("no schedule", 0),
    ],
)
def test_runs_a_day_are_an_average(schedule: str | None, runs: float) -> None:
    assert runs_a_day(schedule) == runs
