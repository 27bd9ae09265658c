"""Which tasks a rule or a waiver concerns: asked for every task."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.model.common import Match
from reconciler.policy.rule import Subject

Selector = Callable[[Subject], bool]


def compile_match(match: Match) -> Selector | None:
    """A predicate of `match`, or None if it selects every task."""
    if match == Match():
        return None

    def selects(subject: Subject) -> bool:
        return match.selects(subject.address, subject.owner, subject.labels)

    return selects
