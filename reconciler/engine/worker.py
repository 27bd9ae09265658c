"""A worker: takes runs from the queue, has them done under a guardian, and keeps their leases.

Each run is a program of its own. The deadline of its guardian is counted from before the renewal
was sent, so a worker that is frozen or cut off has its work ended before anybody may take it over.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from reconciler.base.errors import NotBegun, ReconcilerError, StateUnusable
from reconciler.model.lease import Lease, Settled

LEASE_SECONDS = 60.0
# Of a lease: when it is renewed, and when its work is ended if that did not succeed. What is left
# then is for the end itself, on a busy machine too: containers go before the lease is over.
_RENEW_AFTER, _END_AFTER = 0.2, 0.5

# A program that cannot open the state is not likely to do so a moment later.
_PAUSE_SECONDS = 5.0
_NOT_BEGUN = "its program could not open the state; it waits again"
_NOT_ENDED = {
    Settled.WAITING: "its process was lost; it is queued again",
    Settled.TAKEN: "taken over by another worker",
}


class Queue(Protocol):
    """The leases of one worker. Every call may raise StateUnusable."""

    def claim(self, free: Mapping[str, int], /) -> Sequence[Lease]:
        """Take runs, at most so many of each pool."""

    def renew(self, leases: Sequence[Lease], /) -> Mapping[str, str | None]:
        """Extend leases; who wants the run of each to stop. What is missing is lost."""

    def settle(self, lease: Lease, /, *, blamed: bool) -> Settled:
        """The work of a lease is over; what became of its run.

        `blamed`: its own program died, and may do so again.
        """

    def give_back(self, lease: Lease, /) -> None:
        """The work of a lease was not begun, or ended on purpose."""


class Ended(Protocol):
    """A program that is over."""

    @property
    def key(self) -> str:
        """As it was started."""

    @property
    def exit_code(self) -> int:
        """Negative for a signal; that of NotBegun: the work was not begun."""

    @property
    def late(self) -> bool:
        """It was ended at its deadline: its worker was late, it was not to blame."""


class Programs(Protocol):
    """Programs under a guardian. Every call raises ReconcilerError if the guardian is gone."""

    def start(self, lease: Lease, deadline: float) -> None:
        """Have the run of a lease done."""

    def clear(self, lease: Lease, deadline: float) -> None:
        """Have removed what the run of a lease has on an engine; it is over when that is done."""

    def extend(self, key: str, deadline: float) -> None:
        """Move a deadline."""

    def end(self, key: str) -> None:
        """Kill a program and remove what it has on an engine."""

    def over(self, wait: float) -> Sequence[Ended]:
        """Programs that ended; waits for one up to `wait` seconds."""

    def close(self) -> None:
        """End what is left, and the guardian. Never raises."""


@dataclass(slots=True)
class Worker:
    """One worker of `name`. `slots`: how many runs of each pool it does at once.

    `open_programs` starts a guardian; `told` is handed one line for each thing that happened.
    `boottime` is the clock of the guardian's deadlines.
    """

    name: str
    slots: Mapping[str, int]
    queue: Queue
    open_programs: Callable[[], Programs]
    boottime: Callable[[], float]
    told: Callable[[str, Lease | None], None] = lambda _text, _lease: None
    lease_seconds: float = LEASE_SECONDS
    _programs: Programs | None = field(default=None, init=False)
    _held: dict[str, Lease] = field(default_factory=dict, init=False)
    _over: list[str] = field(default_factory=list, init=False)
    _unclear: dict[str, Lease] = field(default_factory=dict, init=False)
    _blameless: set[str] = field(default_factory=set, init=False)
    _unbegun: set[str] = field(default_factory=set, init=False)
    _pause_until: float = field(default=0.0, init=False)
    _renewed: float = field(default=0.0, init=False)
    _trouble: str = field(default="", init=False)

    @property
    def busy(self) -> int:
        """How many runs it has."""
        return len(self._held)

    def step(self, wait: float, *, claiming: bool = True) -> None:
        """One round: hear of ends, renew, claim. Waits up to `wait` seconds for an end.

        With `claiming` false it takes no new runs. A state that cannot be reached is tried again in
        the next round: meanwhile the deadlines hold.
        """
        try:
            self._clear()
            self._collect(wait)
            self._renew()
            if claiming:
                self._claim()
            self._trouble = ""
        except StateUnusable as error:
            if self._trouble != str(error):  # told once, however many rounds it takes
                self.told(f"the state cannot be used: {error}", None)
            self._trouble = str(error)
        except ReconcilerError as error:
            self._lose_programs(str(error))

    def leave(self) -> None:
        """End what it still does, and put it back into the queue: another one begins it anew.

        What cannot be put back now comes back when its lease is over.
        """
        if self._programs is not None:
            with contextlib.suppress(ReconcilerError):
                for key in self._held:
                    self._programs.end(key)
                while self._held:
                    for ended in self._programs.over(1.0):
                        lease = self._held.pop(ended.key, None)
                        if lease is not None:
                            self.queue.give_back(lease)
            self._programs.close()
        self._held.clear()
        self._programs = None

    # ------------------------------------------------------------------ ends
    def _collect(self, wait: float) -> None:
        if self._programs is not None:
            for ended in self._programs.over(wait):
                self._over.append(ended.key)
                if ended.exit_code == NotBegun.exit_code:
                    self._unbegun.add(ended.key)
                if ended.late:
                    self._blameless.add(ended.key)
        while self._over:
            lease = self._held.get(self._over[-1])
            if lease is not None and self._over[-1] in self._unbegun:
                self.queue.give_back(lease)
                del self._held[self._over[-1]]
                self._pause_until = self.boottime() + _PAUSE_SECONDS
                self.told(_NOT_BEGUN, lease)
            elif lease is not None:
                blamed = self._over[-1] not in self._blameless
                found = self.queue.settle(lease, blamed=blamed)
                self._blameless.discard(self._over[-1])
                del self._held[self._over[-1]]
                if found in _NOT_ENDED:
                    self.told(_NOT_ENDED[found], lease)
            # Only now: an end that could not be settled is settled in a later round.
            self._unbegun.discard(self._over.pop())

    def _lose_programs(self, why: str) -> None:
        """The guardian is gone, and with it every program: what they have on an engine is not."""
        if self._programs is not None:
            self._programs.close()
        self._programs = None
        # An end that nobody heard of is heard of when its engine has been cleared.
        self._over.clear()
        self._unbegun.clear()
        self._unclear = dict(self._held)
        self._blameless = set(self._held)
        self.told(f"{why}; the work of {len(self._held)} runs begins anew", None)

    def _clear(self) -> None:
        while self._unclear:
            key = next(iter(self._unclear))
            deadline = self.boottime() + self.lease_seconds * _END_AFTER
            self._opened().clear(self._unclear[key], deadline)
            del self._unclear[key]

    # ---------------------------------------------------------------- leases
    def _renew(self) -> None:
        before = self.boottime()
        if not self._held or before < self._renewed + self.lease_seconds * _RENEW_AFTER:
            return
        held = self.queue.renew(list(self._held.values()))
        self._renewed = before
        programs = self._opened()
        for key, lease in list(self._held.items()):
            if lease.run_id in held:
                programs.extend(key, before + self.lease_seconds * _END_AFTER)
            else:
                programs.end(key)
                del self._held[key]
                self.told(_NOT_ENDED[Settled.TAKEN], lease)

    def _claim(self) -> None:
        used = [lease.pool for lease in self._held.values()]
        free = {pool: slots - used.count(pool) for pool, slots in self.slots.items()}
        if not any(count > 0 for count in free.values()) or self.boottime() < self._pause_until:
            return
        programs, before = self._opened(), self.boottime()
        claimed = list(self.queue.claim(free))
        while claimed:
            lease = claimed[-1]
            try:
                programs.start(lease, before + self.lease_seconds * _END_AFTER)
            except ReconcilerError:
                for one in claimed:
                    self.queue.give_back(one)
                raise
            self._held[key_of(claimed.pop())] = lease
            self.told("started", lease)

    def _opened(self) -> Programs:
        if self._programs is None:
            self._programs = self.open_programs()
        return self._programs


def key_of(lease: Lease) -> str:
    """What the guardian calls the program of a lease: another lease of the same run is another."""
    return f"{lease.run_id}/{lease.fence}"
