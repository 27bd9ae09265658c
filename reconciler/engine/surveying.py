"""Whose files are looked at next to learn what a task stands on: one at a time, the newest first.

Where that failed it is tried again later and later, and at once when the task is applied anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

SHORTEST_WAIT, LONGEST_WAIT = 60.0, 3600.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """A task to be looked at. `applied_at` tells one apply of it from another; `here`: its files
    lie on this machine, and no host can keep others waiting for them."""

    address: str
    applied_at: datetime
    here: bool = False


@dataclass(slots=True)
class _Tried:
    """How a task was looked at since it was applied last."""

    applied_at: datetime
    due: float
    failures: int


@dataclass(slots=True)
class Turns:
    """The turns of all such tasks. Moments are seconds of a clock that nobody sets."""

    _wanted: tuple[Wanted, ...] = field(default=(), init=False)
    _tried: dict[str, _Tried] = field(default_factory=dict, init=False)

    def follow(self, everyone: Iterable[Wanted]) -> None:
        """Look at these in place of those it had. Of one that was applied anew nothing is held."""
        order = sorted(everyone, key=lambda one: one.address)
        order.sort(key=lambda one: (one.here, one.applied_at), reverse=True)
        self._wanted = tuple(order)
        applied = {one.address: one.applied_at for one in order}
        self._tried = {
            address: tried
            for address, tried in self._tried.items()
            if applied.get(address) == tried.applied_at
        }

    def next(self, now: float) -> Wanted | None:
        """Whose turn it is: first those that were not tried, then the longest overdue."""
        due = []
        for one in self._wanted:
            tried = self._tried.get(one.address)
            if tried is None:
                return one
            if tried.due <= now:
                due.append((tried.due, one))
        return min(due, key=lambda found: found[0])[1] if due else None

    def failed(self, one: Wanted, now: float, *, lasting: bool = False) -> None:
        """It could not be learned. `lasting`: the files were there and do not tell; they are looked
        at again, but there is no hurry."""
        known = self._tried.get(one.address)
        failures = known.failures + 1 if known is not None else 1
        wait = min(SHORTEST_WAIT * 2.0 ** min(failures - 1, 20), LONGEST_WAIT)
        due = now + (LONGEST_WAIT if lasting else wait)
        self._tried[one.address] = _Tried(one.applied_at, due, failures)

    def known(self, one: Wanted) -> None:
        """It was learned: it has no turn any more."""
        self._wanted = tuple(other for other in self._wanted if other.address != one.address)

    def hurry(self) -> None:
        """What made them fail may be mended: all have their turn now."""
        self._tried = {}
