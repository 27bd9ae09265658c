"""The cron dialect: what is refused and why, what is read how, and the next fire."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.model.schedule import ScheduleError, next_fire, parse_schedule

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)

REFUSED = [
    ("", "found 0"),
    ("* * * *", "found 4"),
    ("0 * * * * *", "found 6"),
    ("0 * * * * * *", "found 7"),
    ("@daily", "@daily is not known here"),
    ("@", "@ is not known here"),
    ("0 0 L * *", "day of month: 'L' is not understood"),
    ("0 0 15W * *", "day of month: '15W' is not understood"),
    ("0 0 * * 1#2", "day of week: '1#2' is not understood"),
    ("0 0 ? * *", "day of month: '?' is not understood"),
    ("R * * * *", "minute: 'R' is not understood"),
    ("H * * * *", "minute: 'H' is not understood"),
    ("0 0 * * 7", "day of week is 0 to 6 (Sunday is 0), found 7"),
    ("60 * * * *", "minute is 0 to 59, found 60"),
    ("0 24 * * *", "hour is 0 to 23, found 24"),
    ("0 0 0 * *", "day of month is 1 to 31, found 0"),
    ("0 0 * 13 *", "month is 1 to 12, found 13"),
    ("0 0 * foo *", "month: 'foo' is not understood"),
    ("0 6-6 * * *", "hour: '6-6' is a range of one value, which others read as all of them"),
    ("0 0 * * sat-saturday", "a range of one value"),
    ("3-3/2 * * * *", "write 3"),
    ("0 0 31 2 *", "it never fires"),
    ("0 0 30,31 2 *", "it never fires"),
    ("0 0 31 4,6,9,11 *", "it never fires"),
    ("0 0 29 2 1", "it never fires, or not for decades"),
    ("*/ * * * *", "minute: '*/' is not understood"),
    ("1- * * * *", "minute: '1-' is not understood"),
    ("-1 * * * *", "minute"),
    ("1,,2 * * * *", "minute: '' is not understood"),
    ("1.5 * * * *", "minute: '1.5' is not understood"),
    ("\u0663 * * * *", "minute"),
    ("0,1,2 " * 30, "at most 128 characters"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_what_the_dialect_does_not_know_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        parse_schedule(text)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("* * * * *", "* * * * *"),
        ("0-59 */1 1-31 1-12 0-6", "* * * * *"),
        ("5-1 * * * *", "1,2,3,4,5 * * * *"),
        ("*/0 * * * *", "* * * * *"),
        ("50/5 * * * *", "50,55 * * * *"),
        ("0 0 * jan-mar mon", "0 0 * 1,2,3 1"),
        ("0 0 * January M", "0 0 * 1 1"),
        ("0 0 * m s", "0 0 * 3 0"),
        ("*/99 * * * *", "0 * * * *"),
        ("  0\t3 * * *  ", "0 3 * * *"),
        ("0 0 29 2 *", "0 0 29 2 *"),
    ],
)
def test_texts_with_one_meaning_have_one_canonical_form(text: str, canonical: str) -> None:
    assert parse_schedule(text).canonical == canonical


def test_day_of_month_and_day_of_week_must_both_match() -> None:
    assert next_fire("0 0 13 * 5", NOW) == datetime(2027, 8, 13, tzinfo=UTC)


def test_the_moment_itself_is_not_the_next_fire() -> None:
    assert next_fire("0 4 * * *", NOW) == datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def test_29_february_is_found_years_ahead() -> None:
    assert next_fire("0 0 29 2 *", NOW) == datetime(2028, 2, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "per_day", "gap"),
    [
        ("0 3 * * *", 1, 1440),
        ("*/15 * * * *", 96, 15),
        ("0,50 23 * * *", 2, 50),
        ("0 0,23 * * *", 2, 60),
    ],
)
def test_how_often_it_fires(text: str, per_day: int, gap: int) -> None:
    schedule = parse_schedule(text)
    assert (schedule.fires_per_day, schedule.shortest_gap_minutes) == (per_day, gap)
