"""One task of an event of images that moved: what it waits for, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

# By reference: the digest before, None where nobody saw it, and the one now.
Digests = Mapping[str, tuple[str | None, str]]


class Progress(StrEnum):
    """How far it is."""

    WAITING = "waiting"
    QUEUED = "queued"
    DONE = "done"


class Outcome(StrEnum):
    """What one that is done means for those that stand on it."""

    CHANGED = "changed"
    SAME = "same"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Rebuild:
    """A task of an event.

    `hop` 0 stands on what moved itself. `waits_for` are addresses of the same event, `moved` what
    it is built on, `made` what it pushed that is new.
    """

    event: int
    address: str
    hop: int
    waits_for: tuple[str, ...] = ()
    moved: Digests = field(default_factory=dict)
    progress: Progress = Progress.WAITING
    outcome: Outcome | None = None
    made: Digests = field(default_factory=dict)
    run_id: str | None = None
