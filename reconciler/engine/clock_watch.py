"""Whether the clock of the machine can be believed: it is held against one that nobody sets.

A clock that jumps while the daemon runs may be right from now on, or wrong for a moment. Until that
is known, nothing is done that cannot be taken back. At a start nobody knows how much time has gone
by; the newest moment that the state has seen says whether it can have been so much.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.base.clock import Clock, spell_duration, steady, to_iso

# People and time servers set a clock by less; by more a machine is set that had no time at all.
JUMP = timedelta(days=1)
# After so many seconds a clock that jumped, or that began far ahead, is believed.
HELD = 3600.0


@dataclass(frozen=True, slots=True)
class Reading:
    """The time. `believed`: timers may go by it; `lasting`: what is old by it may be forgotten.

    `jumps` counts those that were believed in the end.
    """

    now: datetime
    believed: bool
    lasting: bool
    jumps: int


@dataclass(slots=True)
class ClockWatch:
    """The watch over a clock, for several threads.

    `newest` is the newest moment that the state had seen; `tell` is told what is found, and what
    the trouble is, None once there is none.
    """

    clock: Clock
    newest: datetime | None
    tell: Callable[[str, str | None], None]
    steady: Callable[[], float] = steady
    _started: float = field(init=False)
    _ahead: bool = field(init=False)  # at the start, of what the state has seen
    _offset: float = field(init=False)  # between the two clocks, as believed
    _jumped: tuple[float, float] | None = field(default=None, init=False)  # offset, since
    _jumps: int = field(default=0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        now, self._started = self.clock(), self.steady()
        self._offset = now.timestamp() - self._started
        self._ahead = self.newest is None or now - self.newest > JUMP
        if self.newest is not None and self.newest - now > timedelta(minutes=1):
            behind = spell_duration((self.newest - now).total_seconds())
            told = f"the clock is {behind} behind {to_iso(self.newest)}, which this state has seen"
            self.tell(told, None)

    def read(self) -> Reading:
        """Look at the clock."""
        with self._lock:
            now, since = self.clock(), self.steady()
            believed = self._judge(now, now.timestamp() - since, since)
            lasting = believed and (not self._ahead or since - self._started >= HELD)
            return Reading(now, believed, lasting, self._jumps)

    def _judge(self, now: datetime, offset: float, since: float) -> bool:
        if _near(offset, self._offset):
            self._offset = offset
            if self._jumped is not None:
                self._jumped = None
                self.tell("the clock is right again", None)
            return True
        if self._jumped is None or not _near(offset, self._jumped[0]):
            self._jumped = offset, since
            way = "ahead" if offset > self._offset else "back"
            by = spell_duration(abs(offset - self._offset))
            trouble = f"the clock jumped {by} {way}, to {to_iso(now.replace(microsecond=0))}"
            later = f"no timer fires and nothing old is forgotten until {spell_duration(HELD)} on"
            self.tell(f"{trouble}: {later}, or until a restart", trouble)
        if since - self._jumped[1] < HELD:
            return False
        self._offset, self._jumped = offset, None
        self._jumps += 1
        self.tell("the clock has not gone back: it is believed from now on", None)
        return True


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= JUMP.total_seconds()
