"""Moments and lengths of time as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from reconciler.base.clock import (
    from_iso,
    spell_ago,
    spell_duration,
    spell_moment,
    to_iso,
    utc_now,
)

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


def test_the_real_clock_knows_its_zone() -> None:
    assert utc_now().tzinfo is UTC


def test_a_moment_is_written_in_utc_and_read_back() -> None:
    prague = datetime(2026, 11, 21, 5, 0, 0, 250_000, tzinfo=timezone(timedelta(hours=1)))
    assert to_iso(prague) == "2026-11-21T04:00:00.250Z"
    assert to_iso(NOW) == "2026-11-21T04:00:00Z"
    assert from_iso(to_iso(prague)) == prague


def test_a_moment_without_an_offset_is_utc() -> None:
    assert from_iso("2026-11-21T04:00:00") == NOW
    assert from_iso("2026-11-21") == NOW.replace(hour=0)
    with pytest.raises(ValueError, match="yesterday"):
        from_iso("yesterday")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (3.21, "3.2 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (840, "14 min"),
        (7500, "2 h 5 min"),
        (3600, "1 h"),
        (3 * 86400, "3 d"),
        (86400 + 7 * 3600 + 59, "1 d 7 h"),
    ],
)
def test_a_length_of_time_has_at_most_two_units(seconds: float, text: str) -> None:
    assert spell_duration(seconds) == text


@pytest.mark.parametrize(
    ("gap", "text"),
    [(0.5, "just now"), (4 * 60, "4 min ago"), (-9 * 3600, "in 9 h"), (2 * 86400 + 5, "2 d ago")],
)
def test_how_long_ago_needs_one_unit(gap: float, text: str) -> None:
    assert spell_ago(NOW - timedelta(seconds=gap), NOW) == text


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOW.replace(hour=3), "today 03:00"),
        (NOW + timedelta(hours=23), "tomorrow 03:00"),
        (NOW - timedelta(days=1), "20 Nov 04:00"),
        (NOW + timedelta(days=365), "21 Nov 2027"),
    ],
)
def test_a_moment_is_as_short_as_it_can_be(moment: datetime, text: str) -> None:
    assert spell_moment(moment, NOW) == text
