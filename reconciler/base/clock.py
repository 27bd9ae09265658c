"""Time as an argument: UTC only, one text form for machines and one for people."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The real clock: aware, UTC."""
    return datetime.now(UTC)


def steady() -> float:
    """Seconds of a clock that nobody sets: for intervals. Time that the machine sleeps counts."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@lru_cache(maxsize=256)  # what happens together is written down with one moment, many times
def to_iso(moment: datetime) -> str:
    """`2026-11-21T03:00:00Z`, or with milliseconds where there are any."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return text.replace(".000Z", "Z")


def from_iso(text: str) -> datetime:
    """Read an ISO 8601 moment or date. Without an offset it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def spell_duration(seconds: float) -> str:
    """A length of time in at most two units: `3.2 s`, `14 min`, `2 h 5 min`, `3 d`."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    rest = round(seconds)
    words: list[tuple[int, str]] = []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count or words:
            words.append((count, unit))
        if len(words) == 2:
            break
    return " ".join(f"{count} {unit}" for count, unit in words if count)


def spell_ago(moment: datetime, now: datetime) -> str:
    """`4 min ago`, `just now`, `in 9 h`: one unit is enough for people."""
    gap = (now - moment).total_seconds()
    if abs(gap) < 1:
        return "just now"
    unit, size = next(item for item in _UNITS if abs(gap) >= item[1])
    count = int(abs(gap) // size)
    return f"{count} {unit} ago" if gap > 0 else f"in {count} {unit}"


def spell_age(moment: datetime, now: datetime) -> str:
    """`4 min ago (2026-11-21T03:00:00Z)`: what is old is looked up, too."""
    return f"{spell_ago(moment, now)} ({to_iso(moment.replace(microsecond=0))})"


def spell_moment(moment: datetime, now: datetime) -> str:
    """`today 03:00`, `tomorrow 03:00`, `21 Nov 03:00` or `21 Nov 2027`, always UTC."""
    moment, now = moment.astimezone(UTC), now.astimezone(UTC)
    clock = moment.strftime("%H:%M")
    days = (moment.date() - now.date()).days
    if days in {0, 1}:
        return f"{'today' if days == 0 else 'tomorrow'} {clock}"
    if abs(moment - now) < timedelta(days=300):
        return f"{moment.day} {moment.strftime('%b')} {clock}"
    return f"{moment.day} {moment.strftime('%b %Y')}"
