"""What was found of applies that were killed, for a plan to tell. Does nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # SQLAlchemy takes 0.15 s to import; a plan without changes needs no database
    from reconciler.store.locks import Holder


@dataclass(frozen=True, slots=True)
class Recovered:
    """An apply that was killed: by whom it was started, and how far it had come.

    `moved`: a live task is not what its plan was made from any more; it cannot be resumed.
    """

    apply_id: str
    actor: str
    done: int
    total: int
    not_done: tuple[str, ...]
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """The lock is held: from whom it was taken over, and what had to be put right first."""

    former: Holder | None
    recovered: tuple[Recovered, ...]


NOTHING_TAKEN = Taken(None, ())
