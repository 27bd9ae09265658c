"""A run that waits for a worker, and the lease of a worker that has it. Does nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from reconciler.model.run import RunRecord


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run for the queue.

    `pool` is a name whose cap it counts against; higher `priority` goes first. Of one `series` (the
    task, for timers that must not overlap) one run is done at a time. A run of the same `fold` that
    still waits takes this one's place in the queue and its work. `delay` in seconds before it may
    start. Of the runs of one `crowd` at most `crowd_cap` are done at once.
    """

    record: RunRecord
    pool: str
    priority: int = 0
    series: str | None = None
    fold: str | None = None
    delay: float = 0.0
    crowd: str | None = None
    crowd_cap: int | None = None


@dataclass(frozen=True, slots=True)
class Enqueued:
    """What became of a run: its id, or that of the waiting one whose work it now is."""

    run_id: str
    folded: bool


class Settled(Enum):
    """What became of a lease whose work is over."""

    ENDED = "its run has ended"
    WAITING = "its run waits for another holder"
    TAKEN = "another worker has taken the run over, and may have ended it since"


@dataclass(frozen=True, slots=True)
class Lease:
    """A run that a worker has until it is not renewed any more.

    `fence` counts the holders from 1: a write with an older one is refused.
    """

    run_id: str
    worker: str
    fence: int
    pool: str
