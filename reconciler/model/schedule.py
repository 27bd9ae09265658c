"""The cron dialect of timers: NCrontab, five fields, UTC.

Stricter than croniter, which stands behind it: day of month AND day of week must both match,
Sunday is 0 only, a reversed range is swapped, names match by prefix, no L W # ? @ R H, no
seconds, no range of one value: croniter and what is built on it reads `N-N` as the whole field, so
that it fires far too often. Everything is first rewritten to lists.
Source: NCrontab's parser as used by ACR Tasks.
"""

from __future__ import annotations

import bisect
import calendar
import functools
import itertools
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

_MONTHS = [name.lower() for name in calendar.month_name][1:]
_DAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
_MAX_LENGTH = 128
_RAREST_YEARS = 12


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, tuple(_MONTHS)),
    _Field("day of week", 0, 6, tuple(_DAYS)),
)


class ScheduleError(ValueError):
    """A schedule that this dialect refuses; the text says why and what to write."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A parsed schedule: the values of each field, sorted."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]

    @property
    def canonical(self) -> str:
        """Five fields, each `*` or a list: two texts with one meaning give one canonical form."""
        values = (self.minutes, self.hours, self.days, self.months, self.weekdays)
        return " ".join(_spell(item, f) for item, f in zip(values, _FIELDS, strict=True))

    @property
    def fires_per_day(self) -> int:
        """How often it fires on a day on which it fires at all."""
        return len(self.minutes) * len(self.hours)

    @property
    def shortest_gap_minutes(self) -> int:
        """The fewest minutes between two fires of one day (1440 if it fires once a day)."""
        moments = [hour * 60 + minute for hour in self.hours for minute in self.minutes]
        gaps = [after - before for before, after in itertools.pairwise(moments)]
        return min([*gaps, moments[0] + 1440 - moments[-1]])


def _spell(values: tuple[int, ...], field: _Field) -> str:
    if len(values) == field.high - field.low + 1:
        return "*"
    return ",".join(map(str, values))


@functools.lru_cache(maxsize=4096)
def parse_schedule(text: str) -> Schedule:
    """Read a schedule. Raises ScheduleError with the reason and the fix."""
    if len(text) > _MAX_LENGTH:
        raise ScheduleError(f"a schedule has at most {_MAX_LENGTH} characters")
    words = text.split()
    if text.startswith("@"):
        raise ScheduleError(f"{words[0]} is not known here; write five fields, e.g. 0 3 * * *")
    if len(words) != 5:
        raise ScheduleError(
            f"a schedule has five fields (minute hour day month weekday, UTC), found {len(words)}"
        )
    fields = [_parse_field(word, field) for word, field in zip(words, _FIELDS, strict=True)]
    schedule = Schedule(*fields)
    if not _ever_fires(schedule):
        raise ScheduleError(
            "it never fires, or not for decades: no month it names has the day it names, or 29 "
            "February on that weekday"
        )
    return schedule


def _parse_field(word: str, field: _Field) -> tuple[int, ...]:
    values: set[int] = set()
    for part in word.split(","):
        values.update(_parse_part(part, field))
    return tuple(sorted(values))


def _parse_part(part: str, field: _Field) -> range:
    span, slash, step_text = part.partition("/")
    step = _number(step_text, field, part) if slash else 1
    if span == "*":
        return range(field.low, field.high + 1, max(step, 1))
    first_text, dash, last_text = span.partition("-")
    first = _value(first_text, field, part)
    last = _value(last_text, field, part) if dash else (field.high if slash else first)
    if dash and first == last:
        raise ScheduleError(
            f"{field.name}: {part!r} is a range of one value, which others read as all of them; "
            f"write {first_text}"
        )
    first, last = min(first, last), max(first, last)
    return range(first, last + 1, max(step, 1))


def _number(text: str, field: _Field, part: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ScheduleError(f"{field.name}: {part!r} is not understood")
    return int(text)


def _value(text: str, field: _Field, part: str) -> int:
    lowered = text.lower()
    if lowered.isalpha() and lowered.isascii():
        for offset, name in enumerate(field.names):
            if name.startswith(lowered):
                return field.low + offset
    value = _number(text, field, part)
    if not field.low <= value <= field.high:
        extra = " (Sunday is 0)" if field.names and value == 7 else ""
        raise ScheduleError(f"{field.name} is {field.low} to {field.high}{extra}, found {value}")
    return value


def _ever_fires(schedule: Schedule) -> bool:
    # Any day but 29 February falls on every weekday within 12 years.
    longest = {month: calendar.monthrange(2023, month)[1] for month in schedule.months}
    if any(day <= longest[month] for month in schedule.months for day in schedule.days):
        return True
    return 2 in schedule.months and 29 in schedule.days and _meets_leap_days(schedule.weekdays)


def _meets_leap_days(weekdays: tuple[int, ...]) -> bool:
    # The weekdays of 29 February come again after 28 years.
    leap_days = (date(year, 2, 29) for year in range(2000, 2057, 4))
    years = [day.year for day in leap_days if day.isoweekday() % 7 in weekdays]
    return max(after - before for before, after in itertools.pairwise(years)) <= _RAREST_YEARS


# ----------------------------------------------------------------------- fires
def next_fire(text: str, after: datetime) -> datetime:
    """The first moment strictly after `after`, UTC. Raises ScheduleError if none is near."""
    return _next_fire(text, _minute(after))


@functools.lru_cache(maxsize=4096)  # timers of one schedule are looked at together
def _next_fire(text: str, after: datetime) -> datetime:
    schedule, start = parse_schedule(text), after + timedelta(minutes=1)
    day = _matching_day(_day_fields(text), start.date(), forwards=True)
    if day == start.date():
        moment = _at_or_after(schedule, start.time())
        if moment is not None:
            return datetime.combine(day, moment, UTC)
        day = _matching_day(_day_fields(text), day + timedelta(days=1), forwards=True)
    return datetime.combine(day, time(schedule.hours[0], schedule.minutes[0]), UTC)


def last_fire(text: str, until: datetime) -> datetime:
    """The last moment at or before `until`, UTC. Raises ScheduleError if none is near."""
    return _last_fire(text, _minute(until))


@functools.lru_cache(maxsize=4096)
def _last_fire(text: str, end: datetime) -> datetime:
    schedule = parse_schedule(text)
    day = _matching_day(_day_fields(text), end.date(), forwards=False)
    if day == end.date():
        moment = _at_or_before(schedule, end.time())
        if moment is not None:
            return datetime.combine(day, moment, UTC)
        day = _matching_day(_day_fields(text), day - timedelta(days=1), forwards=False)
    return datetime.combine(day, time(schedule.hours[-1], schedule.minutes[-1]), UTC)


def _minute(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


@functools.lru_cache(maxsize=4096)
def _day_fields(text: str) -> str:
    return " ".join(parse_schedule(text).canonical.split()[2:])


@functools.lru_cache(maxsize=65536)
def _matching_day(fields: str, day: date, *, forwards: bool) -> date:
    """The nearest day that day, month and weekday name, `day` itself included.

    Only days are asked of croniter: a daemon with many timers has few kinds of days, and a time of
    day is found in microseconds.
    """
    from croniter import CroniterBadDateError, croniter  # noqa: PLC0415  (late: it costs 50 ms)

    # A day before at midnight, or a minute after it: croniter leaves its own start out.
    start = datetime.combine(day, time(), UTC)
    start += timedelta(minutes=-1 if forwards else 1)
    walk = croniter(f"0 0 {fields}", start, day_or=False)
    try:
        found = walk.get_next(datetime) if forwards else walk.get_prev(datetime)
    except CroniterBadDateError:
        raise ScheduleError("it does not fire in the coming years") from None
    return found.date()


def _at_or_after(schedule: Schedule, moment: time) -> time | None:
    hour = bisect.bisect_left(schedule.hours, moment.hour)
    if hour < len(schedule.hours) and schedule.hours[hour] == moment.hour:
        minute = bisect.bisect_left(schedule.minutes, moment.minute)
        if minute < len(schedule.minutes):
            return time(moment.hour, schedule.minutes[minute])
        hour += 1
    return time(schedule.hours[hour], schedule.minutes[0]) if hour < len(schedule.hours) else None


def _at_or_before(schedule: Schedule, moment: time) -> time | None:
    hour = bisect.bisect_right(schedule.hours, moment.hour) - 1
    if hour >= 0 and schedule.hours[hour] == moment.hour:
        minute = bisect.bisect_right(schedule.minutes, moment.minute) - 1
        if minute >= 0:
            return time(moment.hour, schedule.minutes[minute])
        hour -= 1
    return time(schedule.hours[hour], schedule.minutes[-1]) if hour >= 0 else None
