"""How often timers may fire, each alone and all together."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import date
from typing import Annotated

from pydantic import Field

from reconciler.base.text import plural
from reconciler.model.common import Duration, Model, Whole, duration_seconds
from reconciler.model.schedule import Schedule, parse_schedule
from reconciler.model.task import Task
from reconciler.policy.rule import BuiltIn, Finding, Predicate, fails, ignores, passes, warns

_MINUTE_STEPS = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)
_HOUR_STEPS = (1, 2, 3, 4, 6, 8, 12, 24)


class ScheduleFloor(Model):
    """Parameters of schedule-floor."""

    min_interval: Duration = Field(
        default="15m", description="least time between two fires of one timer"
    )
    max_per_day: Annotated[Whole, Field(ge=1, le=1440)] = Field(
        default=96, description="most fires on one day, all timers of a task together"
    )

    @property
    def minutes(self) -> int:
        """The least time between two fires, in whole minutes, rounded up."""
        return -(-duration_seconds(self.min_interval) // 60)


def _timers(task: Task) -> list[tuple[str, str, Schedule]]:
    return [
        (name, timer.schedule, parse_schedule(timer.schedule))
        for name, timer in task.spec.triggers.timers.items()
        if timer.status == "Enabled"
    ]


def _has_timer(_params: ScheduleFloor, task: Task) -> bool:
    return any(timer.status == "Enabled" for timer in task.spec.triggers.timers.values())


def _has_timers(_params: ScheduleFloor, task: Task) -> bool:
    return len(task.spec.triggers.timers) > 1 and len(_timers(task)) > 1


def suggest(text: str, params: ScheduleFloor) -> str | None:
    """A schedule on the same days that keeps the floor, as near to the given one as can be."""
    _minute, hours, *days = text.split()
    minutes = (f"*/{step} {hours}" for step in _MINUTE_STEPS if step >= params.minutes)
    hourly = (f"0 */{step}" if step < 24 else "0 0" for step in _HOUR_STEPS)
    for words in itertools.chain(minutes, (f"0 {hours}",), hourly):
        candidate = " ".join([words.replace("*/1 ", "* "), *days])
        schedule = parse_schedule(candidate)
        if _is_allowed(schedule, params):
            return candidate
    return None


def _is_allowed(schedule: Schedule, params: ScheduleFloor) -> bool:
    often = schedule.fires_per_day > params.max_per_day
    return not often and schedule.shortest_gap_minutes >= params.minutes


def _suggestion(text: str, params: ScheduleFloor) -> str:
    better = suggest(text, params)
    if better is None:
        return "use fewer fires a day"
    count = parse_schedule(better).fires_per_day
    return f'"{better}" would run {plural(count, "time")} a day'


def _each_slow_enough(params: ScheduleFloor, task: Task, _today: date) -> Iterator[Finding]:
    for name, text, schedule in _timers(task):
        if not _is_allowed(schedule, params):
            gap = schedule.shortest_gap_minutes
            limit = params.max_per_day
            yield Finding(
                ("spec", "triggers", "timers", name, "schedule"),
                f"runs {plural(schedule.fires_per_day, 'time')} a day, "
                f"{plural(gap, 'minute')} apart at the closest",
                text,
                f"{params.min_interval} apart, {plural(limit, 'time')} a day",
                _suggestion(text, params),
            )


def _together_few_enough(params: ScheduleFloor, task: Task, _today: date) -> Iterator[Finding]:
    schedules = [schedule for _name, _text, schedule in _timers(task)]
    if any(schedule.fires_per_day > params.max_per_day for schedule in schedules):
        return  # said for that timer already
    busiest = _fires_on_the_busiest_day(schedules, params.max_per_day)
    if busiest > params.max_per_day:
        yield Finding(
            ("spec", "triggers", "timers"),
            f"{plural(len(schedules), 'timer')} together run {plural(busiest, 'time')} "
            "on the busiest day",
            str(busiest),
            f"at most {params.max_per_day:,}",
            "let fewer timers fire, or let each fire less often",
        )


def _fires_on_the_busiest_day(schedules: list[Schedule], enough: int) -> int:
    total = sum(schedule.fires_per_day for schedule in schedules)
    if total <= enough:  # no day can have more: spare the walk over all days
        return total
    days = itertools.product(range(1, 13), range(1, 32), range(7))
    return max(_fires_on(schedules, *day) for day in days)


def _fires_on(schedules: list[Schedule], month: int, day: int, weekday: int) -> int:
    return sum(
        schedule.fires_per_day
        for schedule in schedules
        if month in schedule.months and day in schedule.days and weekday in schedule.weekdays
    )


def _days_clear(_params: ScheduleFloor, task: Task, _today: date) -> Iterator[Finding]:
    for name, text, schedule in _timers(task):
        if len(schedule.days) < 31 and len(schedule.weekdays) < 7:
            yield Finding(
                ("spec", "triggers", "timers", name, "schedule"),
                "fires only on days that match both the day of month and the weekday",
                text,
                fix="restrict one of the two and write * for the other, unless both is meant",
                advice=True,
            )


def _timed(**timers: object) -> dict[str, object]:
    return {"spec": {"triggers": {"timers": timers}}}


RULE = BuiltIn(
    name="schedule-floor",
    title="Timers do not fire more often than the policy allows",
    description=(
        "A timer that fires every minute costs money and hides failures. Only enabled timers are "
        "judged; the day with the most fires counts, all timers of a task together."
    ),
    params=ScheduleFloor,
    severity="low",
    predicates=(
        Predicate(
            "timer-slow-enough",
            "each timer keeps minInterval and maxPerDay",
            _each_slow_enough,
            _has_timer,
        ),
        Predicate(
            "timers-together",
            "all timers together keep maxPerDay",
            _together_few_enough,
            _has_timers,
        ),
        Predicate(
            "days-clear",
            "day of month and weekday are not both restricted (advice)",
            _days_clear,
            _has_timer,
        ),
    ),
    examples=(
        passes("nightly", _timed(nightly="0 3 * * *")),
        passes("two timers", _timed(nightly="0 3 * * *", hourly="30 * * * *")),
        passes(
            "busy on different weekdays",
            _timed(monday="*/15 * * * 1", tuesday="*/15 * * * 2"),
        ),
        ignores("no timer", {}),
        fails("every minute", _timed(often="* * * * *")),
        fails("two fires a minute apart", _timed(twice="0,1 3 * * *")),
        fails("too many together", _timed(a="*/20 * * * *", b="*/20 * * * *")),
        warns("the 13th, if a Friday", _timed(rare="0 3 13 * 5")),
    ),
    fix="choose a schedule with fewer fires",
)
