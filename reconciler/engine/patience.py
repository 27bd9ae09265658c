"""How much is asked of each registry: so many requests a second, and none while it is left alone.

Several are asked at once, each by one look. Those that are not known to answer quickly have half of
the room, so that one that is slow, or silent, keeps none of the others waiting. That one is left
alone stands in the state: a daemon that starts anew keeps to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from reconciler.base.errors import RegistryBusy
from reconciler.engine.image_decisions import of_look
from reconciler.model.event import Verdict
from reconciler.model.watched import RegistryPause
from reconciler.store.database import Database
from reconciler.store.decisions import Register
from reconciler.store.pauses import drop_pause, list_pauses, put_pause

# Requests to one registry: so many a second, and so many at once after a pause. Both together stay
# below two a second over some minutes.
RATE, BURST = 1.9, 5.0
MOST_AT_ONCE = 8  # looks
_QUICK = 5.0  # seconds of a look
_SHORTEST_PAUSE, _LONGEST_PAUSE, _LONGEST_ASKED = 30.0, 3600.0, 86400.0


@dataclass(slots=True)
class _Budget:
    """Requests that a registry may get now; below zero they are paid for by waiting."""

    left: float = BURST
    at: float = 0.0

    def ready(self, now: float) -> bool:
        """True if it may be asked; time that the clock was set back counts as none."""
        self.left = min(BURST, self.left + max(0.0, now - self.at) * RATE)
        self.at = now
        return self.left >= 1.0


@dataclass(frozen=True, slots=True)
class Room:
    """Which registries may be asked now: all but some, or of some only (`among`; None: of all)."""

    without: Sequence[str]
    among: Sequence[str] | None = None


@dataclass(slots=True)
class Patience:
    """What registries may be asked, and how they answered. Times are seconds since 1970.

    Not for several threads.
    """

    database: Database
    most: int = MOST_AT_ONCE
    _going: set[str] = field(default_factory=set, init=False)
    _quick: set[str] = field(default_factory=set, init=False)
    _budgets: dict[str, _Budget] = field(default_factory=dict, init=False)
    _pauses: dict[str, RegistryPause] | None = field(default=None, init=False)

    def pauses(self) -> dict[str, RegistryPause]:
        """Those that wanted to be left alone and did not answer since. Raises StateUnusable."""
        if self._pauses is None:
            with self.database.read() as connection:
                self._pauses = {pause.host: pause for pause in list_pauses(connection)}
        return self._pauses

    def room(self, now: float) -> Room | None:
        """Who may be asked now; None while there is no room. Raises StateUnusable."""
        if len(self._going) >= self.most:
            return None
        without = self._blocked(now) + sorted(self._going)
        full = len(self._going - self._quick) >= self.most // 2
        return Room(without, sorted(self._quick) if full else None)

    def _blocked(self, now: float) -> list[str]:
        """Registries that are not asked now. Raises StateUnusable."""
        paused = [host for host, pause in self.pauses().items() if not pause.over(now)]
        asked = [host for host in self._budgets if host not in paused]
        return paused + [host for host in asked if not self._budgets[host].ready(now)]

    def open(self, host: str, now: float) -> None:
        """A registry is about to be asked; `ended` is to be said afterwards."""
        self._budgets.setdefault(host, _Budget(at=now))
        self._going.add(host)

    def ended(self, host: str, seconds: float, *, answered: bool) -> None:
        """It was asked, for so long."""
        self._going.discard(host)
        (self._quick.add if answered and seconds <= _QUICK else self._quick.discard)(host)

    def answered(self, host: str, requests: int = 1) -> None:
        """It answered, whatever it said. Raises StateUnusable."""
        self._budgets[host].left -= requests
        if self.pauses().pop(host, None) is not None:
            with self.database.write() as connection:
                drop_pause(connection, host)

    def busy(self, host: str, error: RegistryBusy, now: float) -> RegistryPause:
        """It wants to be left alone: for how long. Raises StateUnusable."""
        before = self.pauses().get(host)
        count = before.count + 1 if before is not None else 1
        own = min(_SHORTEST_PAUSE * 2.0 ** min(count - 1, 10), _LONGEST_PAUSE)
        seconds = max(own, min(error.seconds or 0.0, _LONGEST_ASKED))
        pause = RegistryPause(host, now, seconds, count, error.message)
        self.pauses()[host] = pause
        # What has piled up meanwhile comes slowly.
        self._budgets[host] = _Budget(1.0, now + seconds)
        with self.database.write() as connection:
            put_pause(connection, pause)
            if before is None or before.message != error.message:
                told = of_look(host, Verdict.LOOK_FAILED, now, error.message)
                Register(connection).note([told])
        return pause
