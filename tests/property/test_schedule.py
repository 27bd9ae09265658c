"""Schedules against a slow oracle that looks at every minute."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

from hypothesis import assume, example, given
from hypothesis import strategies as st

from reconciler.model.schedule import ScheduleError, last_fire, next_fire, parse_schedule

LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
NAMES = (
    "",
    "",
    "",
    "jan feb mar apr may jun jul aug sep oct nov dec",
    "sun mon tue wed thu fri sat",
)
HORIZON = timedelta(days=400)


def _number(word: str, low: int, names: str) -> str:
    return str(low + names.split().index(word)) if word in names.split() else word


@st.composite
def parts(draw: st.DrawFn, low: int, high: int, names: str = "") -> str:
    """An item of a field: a star, a number, a name, a range (reversed too), and maybe a step."""
    number = st.integers(low, high).map(str) | (
        st.sampled_from(names.split()) if names else st.nothing()
    )
    span = draw(st.just("*") | number | st.tuples(number, number).map("-".join))
    first, _, last = span.partition("-")
    assume(_number(first, low, names) != _number(last, low, names))  # a range of one is refused
    step = draw(st.none() | st.integers(0, high + 5))
    return span if step is None else f"{span}/{step}"


@st.composite
def schedules(draw: st.DrawFn) -> str:
    fields = [
        ",".join(draw(st.lists(parts(*limit, names), min_size=1, max_size=3)))
        for limit, names in zip(LIMITS, NAMES, strict=True)
    ]
    text = " ".join(fields)
    assume(len(text) <= 128)
    return text


def values(field: str, low: int, high: int, names: str) -> set[int]:
    """The oracle's own reading of one field."""
    order = names.split()

    def value(word: str) -> int:
        return low + order.index(word) if word in order else int(word)

    found: set[int] = set()
    for part in field.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            ends = (low, high)
        else:
            ends = (value(first), value(last) if dash else high if slash else value(first))
        found |= set(range(min(ends), max(ends) + 1, max(int(step or 1), 1)))
    return found


def oracle(text: str, after: datetime) -> datetime | None:
    """The first minute after `after` at which every field matches, within the horizon."""
    fields = [
        values(f, *limit, names)
        for f, limit, names in zip(text.split(), LIMITS, NAMES, strict=True)
    ]
    minutes, hours, days, months, weekdays = fields
    day = after.replace(hour=0, minute=0, second=0, microsecond=0)
    while day <= after + HORIZON:
        if day.day in days and day.month in months and (day.weekday() + 1) % 7 in weekdays:
            for hour in sorted(hours):
                for minute in sorted(minutes):
                    moment = day.replace(hour=hour, minute=minute)
                    if moment > after:
                        return moment
        day += timedelta(days=1)
    return None


MOMENTS = st.integers(0, 11 * 365 * 86400).map(
    lambda seconds: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@given(schedules(), MOMENTS)
@example("0 3 13 * 5", datetime(2026, 11, 21, tzinfo=UTC))
@example("59 23 31 12 *", datetime(2026, 12, 31, 23, 59, tzinfo=UTC))
@example("0 0 29 2 *", datetime(2027, 6, 1, tzinfo=UTC))
@example("*/7 * 1 * 1", datetime(2026, 11, 21, 4, 5, 6, tzinfo=UTC))
def test_the_next_fire_is_the_first_minute_at_which_all_fields_match(
    text: str, after: datetime
) -> None:
    expected = oracle(text, after)
    assume(expected is not None)
    assert next_fire(text, after) == expected


@given(schedules())
def test_the_canonical_form_is_its_own_canonical_form_and_means_the_same(text: str) -> None:
    try:
        schedule = parse_schedule(text)
    except ScheduleError:
        assume(False)
        raise
    assume(len(schedule.canonical) <= 128)
    again = parse_schedule(schedule.canonical)
    assert (again, again.canonical) == (schedule, schedule.canonical)


@given(st.text(st.sampled_from("0123456789*/-,?LW#@ \tamonjueHR"), max_size=40))
@example("* * * * *" * 30)
@example("٣ * * * *")
def test_any_text_is_a_schedule_or_refused(text: str) -> None:
    with contextlib.suppress(ScheduleError):
        assert len(parse_schedule(text).canonical.split()) == 5


@given(schedules(), MOMENTS)
def test_fires_strictly_follow_each_other(text: str, after: datetime) -> None:
    try:
        first = next_fire(text, after)
        second = next_fire(text, first)
    except ScheduleError:
        return
    assert after < first < second
    if parse_schedule(text).fires_per_day > 1:
        gap = parse_schedule(text).shortest_gap_minutes
        assert (second - first) >= timedelta(minutes=gap)


@given(schedules(), MOMENTS)
def test_the_last_fire_is_the_one_that_no_other_follows(text: str, until: datetime) -> None:
    try:
        last = last_fire(text, until)
    except ScheduleError:
        return
    assert last <= until
    assert next_fire(text, last - timedelta(seconds=1)) == last
    try:
        assert next_fire(text, last) > until
    except ScheduleError:
        return
