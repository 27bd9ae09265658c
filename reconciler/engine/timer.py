"""Which fires of a timer are due, and what becomes of those that nobody was there for. Pure.

A due time is handled once and never again: what is stored is the latest one that was, and a clock
that goes back finds nothing new behind it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.model.common import duration_seconds
from reconciler.model.schedule import ScheduleError, last_fire, next_fire
from reconciler.model.trigger import TimerTrigger

# So late a fire still is on time: a daemon that starts, or a machine that is busy.
TOLERANCE = timedelta(seconds=60)
# Missed fires are counted up to here.
_MOST_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class Fires:
    """What a look at a timer gives.

    `due` are the due times to run, oldest first; `missed` how many of the others nobody was there
    for (1,000 stands for more); `handled` the latest due time that is settled now; `wake` when to
    look again, None if it never fires again.
    """

    due: tuple[datetime, ...]
    missed: int
    handled: datetime
    wake: datetime | None


def jitter_of(key: str, timer: TimerTrigger) -> timedelta:
    """The delay of all fires of a timer, below its `jitter`. `key` tells timers apart."""
    if timer.jitter is None:
        return timedelta(0)
    window = duration_seconds(timer.jitter)
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    return timedelta(seconds=number % window) if window else timedelta(0)


def look(timer: TimerTrigger, delay: timedelta, handled: datetime, now: datetime) -> Fires:
    """The fires of a timer in (`handled`, `now`], `delay` after their due time.

    Of fires that are more than `TOLERANCE` late, `missed: skip` runs none, `run_once` the latest
    in place of all, `run_all` the latest `max_missed`.
    """
    until = now - delay
    newest = _at_most(timer.schedule, until)
    if newest is None or newest <= handled:
        return Fires((), 0, handled, _wake(timer.schedule, max(handled, until), delay))
    on_time = _between(timer.schedule, max(handled, until - TOLERANCE), newest, _MOST_COUNTED)
    before = on_time[0] if on_time else None
    late = _late(timer.schedule, handled, newest if before is None else before, before is None)
    due = (*_made_up(timer, late, on_time), *on_time)
    # One run does the work of all that were missed before it.
    return Fires(
        due, len(late) + len(on_time) - len(due), newest, _wake(timer.schedule, newest, delay)
    )


def _made_up(
    timer: TimerTrigger, late: tuple[datetime, ...], on_time: tuple[datetime, ...]
) -> tuple[datetime, ...]:
    if timer.missed == "run_all":
        return late[-timer.max_missed :]
    if timer.missed == "run_once" and not on_time:
        return late[-1:]
    return ()


def _late(schedule: str, handled: datetime, end: datetime, included: bool) -> tuple[datetime, ...]:
    newest = end if included else _at_most(schedule, end - timedelta(minutes=1))
    if newest is None or newest <= handled:
        return ()
    return _between(schedule, handled, newest, _MOST_COUNTED)


def _between(schedule: str, after: datetime, newest: datetime, most: int) -> tuple[datetime, ...]:
    """The fires in (`after`, `newest`], oldest first, of more than `most` the latest."""
    found: list[datetime] = []
    moment: datetime | None = newest
    while moment is not None and moment > after and len(found) < most:
        found.append(moment)
        moment = _at_most(schedule, moment - timedelta(minutes=1))
    return tuple(reversed(found))


def _at_most(schedule: str, until: datetime) -> datetime | None:
    try:
        return last_fire(schedule, until)
    except ScheduleError:
        return None


def _wake(schedule: str, after: datetime, delay: timedelta) -> datetime | None:
    try:
        return next_fire(schedule, after) + delay
    except ScheduleError:
        return None
