"""How changes are written: who watches, what stops the rest, what happens between two writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from reconciler.plan.change import Change


@dataclass(frozen=True, slots=True)
class Step:
    """One write that is done, for whoever watches: number, total, change, seconds."""

    position: int
    total: int
    change: Change
    seconds: float


Watch = Callable[[Step], None]
Moment = Literal["before", "written", "settled"]
# Called with the number of a change: before it is written, once it is live, once it is remembered.
Passing = Callable[[int, Moment], None]


def just_pass(_position: int, _moment: Moment) -> None:
    """Nothing happens between two writes."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How to write: who watches, whether a change that fails stops the rest."""

    watch: Watch
    go_on: bool = False
    passing: Passing = just_pass
