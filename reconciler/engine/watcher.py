"""Looks at the tags that live tasks stand on, each in its turn, and notes those that moved.

Knows no HTTP: `look` asks a registry. A registry is asked at most so many times a second, and left
alone for as long as it wants. What is known stands in the state: a daemon that is killed between
two looks goes on where it was.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from reconciler.base.errors import ReconcilerError, RegistryBusy
from reconciler.model.event import Decided, Source, Verdict
from reconciler.model.watched import Looked, Move, Served, WatchedImage
from reconciler.store.database import Database
from reconciler.store.decisions import Register
from reconciler.store.images import due_image, hurry_image, keep_images, save_image
from reconciler.store.rebuilds import add_move, any_queued

# Requests to one registry: so many a second, and so many at once after a pause.
RATE, BURST = 2.0, 5.0
# Between two looks at one tag, however often a registry says that it moved.
GAP = 5.0
_AGAIN = 10.0  # seconds until a tag is looked at again that a run is just pushing
_SHORTEST_PAUSE, _LONGEST_PAUSE, _LONGEST_ASKED = 30.0, 3600.0, 86400.0
_LONGEST_WAIT = 6 * 3600.0  # for a tag that is not there
_LONGEST_QUIET = 15 * 60.0


class Look(Protocol):
    """Asks a registry what it serves under a tag; `known` is what it did before.

    Raises RegistryBusy if the registry is to be left alone, else another ReconcilerError.
    """

    def __call__(self, reference: str, known: Served | None, /) -> Looked:
        """The answer."""


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


@dataclass(slots=True)
class _Pause:
    """How long a registry is left alone, and how many times in a row it wanted that."""

    since: float
    seconds: float
    count: int

    def over(self, now: float) -> bool:
        """True if it may be asked again, also after the clock was set back."""
        return not self.since <= now < self.since + self.seconds


Tell = Callable[[dict[str, str]], None]


@dataclass(slots=True)
class Watcher:
    """The watch over a state. Not for several threads at once, but for `hurry`."""

    database: Database
    look: Look
    interval: float
    quiet: float
    tell: Tell = lambda _facts: None
    chance: Callable[[], float] = random.random
    _budgets: dict[str, _Budget] = field(default_factory=dict, init=False)
    _pauses: dict[str, _Pause] = field(default_factory=dict, init=False)
    _makers: Mapping[str, Collection[str]] = field(default_factory=dict, init=False)

    def keep(
        self, references: Collection[str], makers: Mapping[str, Collection[str]], now: float
    ) -> None:
        """Watch these tags and no others; `makers` are the tasks that push each.

        Raises StateUnusable.
        """
        self._makers = makers
        keep_images(self.database, references, now)

    def hurry(self, reference: str, now: float) -> bool:
        """Look at a tag soon: somebody says it moved. False if it is not watched."""
        return hurry_image(self.database, reference, now, GAP)

    def step(self, clock: Callable[[], float], limit: int = 50) -> int:
        """Look at what is due, and at no more than `limit` tags; how many were looked at.

        Raises StateUnusable.
        """
        count = 0
        while count < limit:
            now = clock()
            image = due_image(self.database, now, self._blocked(now))
            if image is None:
                break
            host = host_of(image.reference)
            self._budgets.setdefault(host, _Budget(at=now))
            self._look(image, host, clock)
            count += 1
        return count

    def _blocked(self, now: float) -> list[str]:
        """Registries that are not asked now."""
        paused = [host for host, pause in self._pauses.items() if not pause.over(now)]
        asked = [host for host in self._budgets if host not in paused]
        return paused + [host for host in asked if not self._budgets[host].ready(now)]

    # ----------------------------------------------------------------- looking
    def _look(self, image: WatchedImage, host: str, clock: Callable[[], float]) -> None:
        budget = self._budgets[host]
        try:
            looked = self.look(image.reference, image.served)
        except RegistryBusy as error:
            # What has piled up meanwhile comes slowly.
            budget.left, budget.at = 1.0, clock() + self._pause(host, error, clock())
            return
        except ReconcilerError as error:
            budget.left -= 1
            self._failed(image, error.message, clock())
            return
        budget.left -= looked.requests
        self._pauses.pop(host, None)
        if looked.served is None:
            self._failed(image, "the registry has no such tag", clock())
        else:
            self._seen(image, looked.served, clock())

    def _pause(self, host: str, error: RegistryBusy, now: float) -> float:
        """Leave a registry alone: for how many seconds."""
        before = self._pauses.get(host)
        count = before.count + 1 if before is not None else 1
        own = min(_SHORTEST_PAUSE * 2.0 ** min(count - 1, 10), _LONGEST_PAUSE)
        seconds = max(own, min(error.seconds or 0.0, _LONGEST_ASKED))
        self._pauses[host] = _Pause(now, seconds, count)
        told = {"registry": host, "error": error.message, "again_in": f"{seconds:.0f} s"}
        self.tell(told)
        return seconds

    def _failed(self, image: WatchedImage, message: str, now: float) -> None:
        if image.message != message:
            self.tell({"image": image.reference, "error": message})
        wait = self.interval * 2.0 ** min(image.failures, 10)
        later = replace(
            image,
            checked_at=now,
            next_at=now + self._jittered(max(self.interval, min(wait, _LONGEST_WAIT))),
            failures=image.failures + 1,
            message=message,
        )
        with self.database.write() as connection:
            save_image(connection, later, image.served)

    def _seen(self, image: WatchedImage, served: Served, now: float) -> None:
        known = image.served
        later = replace(
            image,
            served=served,
            checked_at=now,
            next_at=now + self._jittered(self.interval),
            failures=0,
            message=None,
        )
        with self.database.write() as connection:
            if known is None or known.digest == served.digest:
                if save_image(connection, later, known) and known is None:
                    Register(connection).note([_first(image.reference, served, now)])
                return
            if any_queued(connection, self._makers.get(image.reference, ())):
                # A run pushes it, and is not done: those that stand on it wait for that run.
                save_image(connection, replace(image, checked_at=now, next_at=now + _AGAIN), known)
                return
            if not save_image(connection, later, known):
                return
            move = Move(image.reference, known, served)
            add_move(
                connection, move, now, quiet=self.quiet, longest=max(_LONGEST_QUIET, self.quiet)
            )
        self.tell({"image": image.reference, "from": known.digest, "to": served.digest})

    def _jittered(self, seconds: float) -> float:
        return seconds * (0.8 + 0.4 * self.chance())


def host_of(reference: str) -> str:
    """The registry of a tracked reference."""
    return reference.partition("/")[0]


def _first(reference: str, served: Served, now: float) -> Decided:
    return Decided(
        at=datetime.fromtimestamp(now, UTC),
        source=Source.IMAGE,
        subject=reference,
        version=served.digest,
        verdict=Verdict.FIRST_SIGHT,
        detail="seen for the first time: nothing is built for it",
    )
