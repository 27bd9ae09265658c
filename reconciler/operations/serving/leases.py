"""The queue of a state and the programs of a machine, as the engine's worker sees them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.adapters.processes.guardian import Guardian, Over
from reconciler.base.clock import Clock
from reconciler.engine.worker import key_of
from reconciler.model.lease import Lease, Settled
from reconciler.model.run import RunRecord
from reconciler.store.claims import Room, claim
from reconciler.store.database import Database
from reconciler.store.leases import PROGRAM_LOSS, WORKER_LOSS, renew, settle
from reconciler.store.runs import find_runs

# Commands that the program calls itself with; they are no part of what users call.
LEASED_RUN, CLEAR_RUN = "leased-run", "clear-run"


@dataclass(frozen=True, slots=True)
class StoredQueue:
    """The leases of one worker in a state. `caps`: how many runs of a pool all workers may do.

    `began` is told of runs that are taken for the first time, `ended` of those that are over.
    """

    database: Database
    worker: str
    lease_seconds: float
    clock: Clock
    caps: Mapping[str, int] = field(default_factory=dict)
    began: Callable[[RunRecord], None] = lambda _record: None
    ended: Callable[[RunRecord], None] = lambda _record: None

    def claim(self, free: Mapping[str, int]) -> Sequence[Lease]:
        """Take runs, at most so many of each pool."""
        rooms = {pool: Room(count, self.caps.get(pool)) for pool, count in free.items()}
        found = claim(self.database, self.worker, rooms, self.lease_seconds, self.clock)
        for claimed in found:
            if claimed.lease.fence == 1:
                self.began(claimed.record)
        return [claimed.lease for claimed in found]

    def renew(self, leases: Sequence[Lease]) -> Mapping[str, str | None]:
        """Extend leases; who wants the run of each to stop. What is missing is lost."""
        return renew(self.database, leases, self.lease_seconds)

    def settle(self, lease: Lease, *, blamed: bool = True) -> Settled:
        """The work of a lease is over; what became of its run.

        `blamed`: its own program died, and may do so again.
        """
        found = settle(self.database, lease, PROGRAM_LOSS if blamed else WORKER_LOSS)
        if found is Settled.ENDED:
            for record in find_runs(self.database, lease.run_id, limit=1):
                self.ended(record)
        return found

    def give_back(self, lease: Lease) -> None:
        """The work of a lease was not begun, or ended on purpose."""
        settle(self.database, lease, 0)


class RunPrograms:
    """Runs as programs of their own, each a call of this program with the words of its lease."""

    def __init__(self, environment: Mapping[str, str], folder: str) -> None:
        self._guardian = Guardian({**environment, "RECONCILER_DIRECTORY": folder})

    def start(self, lease: Lease, deadline: float) -> None:
        """Have the run of a lease done. Raises GuardianGone."""
        words = [LEASED_RUN, lease.run_id, lease.worker, str(lease.fence)]
        afterwards = _clearing(lease)
        self._guardian.start(key_of(lease), [*_SELF, *words], afterwards, deadline)

    def clear(self, lease: Lease, deadline: float) -> None:
        """Have removed what the run of a lease has on an engine. Raises GuardianGone."""
        self._guardian.start(key_of(lease), _clearing(lease), [], deadline)

    def extend(self, key: str, deadline: float) -> None:
        """Move a deadline. Raises GuardianGone."""
        self._guardian.extend(key, deadline)

    def end(self, key: str) -> None:
        """Kill a program and remove what it has on an engine. Raises GuardianGone."""
        self._guardian.end(key)

    def over(self, wait: float) -> Sequence[Over]:
        """Programs that ended; waits for one up to `wait` seconds. Raises GuardianGone."""
        return self._guardian.over(wait)

    def close(self) -> None:
        """End what is left, and the guardian with it."""
        self._guardian.close()


# `-P`: no module is taken from the folder it is started in.
_SELF = (sys.executable, "-P", "-m", "reconciler")


def _clearing(lease: Lease) -> list[str]:
    return [*_SELF, CLEAR_RUN, lease.run_id, str(lease.fence)]
