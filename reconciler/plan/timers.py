"""Timers that wake a task more or less often than before, or at other times. Pure."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from reconciler.model.schedule import ScheduleError, next_fire, parse_schedule
from reconciler.plan.change import Change
from reconciler.plan.facts import TimerChange
from reconciler.plan.parts import Frozen

# In 28 years every date falls on every weekday equally often (until 2100).
_FIRST, _DAYS = date(2028, 1, 1), 10_227


def timer_changes(changes: Iterable[Change], now: datetime) -> tuple[TimerChange, ...]:
    """The timers that differ, of tasks that stay and of new ones."""
    return tuple(
        timer
        for change in changes
        if change.target is not None
        for timer in _of_change(change.address, change.base, change.target, now)
    )


def _of_change(
    address: str, base: Frozen | None, target: Frozen, now: datetime
) -> Iterator[TimerChange]:
    before, after = _awake(base), _awake(target)
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old != new:
            yield TimerChange(
                address=address,
                timer=name,
                before=old,
                after=new,
                runs_before=runs_a_day(old),
                runs_after=runs_a_day(new),
                next=_next(new, now),
            )


def _awake(frozen: Frozen | None) -> dict[str, str]:
    """The schedules that wake a task, by timer."""
    # Looked for in the text first: of a hundred thousand new tasks many have none.
    if frozen is None or '"timers"' not in frozen.text:
        return {}
    spec = frozen.read()["spec"]
    if spec.get("status") == "Disabled":
        return {}
    timers = spec.get("triggers", {}).get("timers", {})
    return {
        name: timer["schedule"]
        for name, timer in timers.items()
        if timer.get("status") != "Disabled"
    }


@functools.lru_cache(maxsize=1024)
def runs_a_day(schedule: str | None) -> float:
    """How often a schedule fires a day on average, rounded to a thousandth; 0 for none."""
    if schedule is None:
        return 0.0
    try:
        parsed = parse_schedule(schedule)
    except ScheduleError:
        return 0.0
    if (len(parsed.days), len(parsed.months), len(parsed.weekdays)) == (31, 12, 7):
        return float(parsed.fires_per_day)
    days = (_FIRST + timedelta(days=count) for count in range(_DAYS))
    hits = sum(
        day.month in parsed.months
        and day.day in parsed.days
        and day.isoweekday() % 7 in parsed.weekdays
        for day in days
    )
    return round(parsed.fires_per_day * hits / _DAYS, 3)


@functools.lru_cache(maxsize=1024)
def _next(schedule: str | None, now: datetime) -> datetime | None:
    try:
        return None if schedule is None else next_fire(schedule, now)
    except ScheduleError:
        return None
