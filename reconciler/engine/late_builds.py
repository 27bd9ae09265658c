"""What messages had built, and a polled ref has left behind.

A message that comes late, and of which the pushes before and after are never told, cannot be put in
its order: it is built. Two looks later it is known where the ref is all the same.
"""

from __future__ import annotations

from reconciler.engine.intake import Arrival
from reconciler.engine.polling import ACTOR, Polled, Refs
from reconciler.engine.triggers import Listening
from reconciler.model.event import Push
from reconciler.store.database import Database
from reconciler.store.decisions import hooks_built, newest_decision

Window = tuple[int, int]


class Windows:
    """Which decisions were stored between two looks at a repository, for one daemon.

    A host may be a moment behind its own messages: what was built before the look before this one
    counts, if both found the ref at the same commit.
    """

    def __init__(self) -> None:
        self._looks: dict[str, list[int]] = {}

    def of(self, one: Polled) -> Window | None:
        """(after, until) of the decisions that count now; None at the first looks."""
        looks = self._looks.get(one.url, [])
        return (looks[0], looks[1]) if len(looks) > 1 else None

    def looked(self, one: Polled, newest: int) -> None:
        """A look went through; `newest` was the newest decision before it."""
        self._looks[one.url] = [*self._looks.get(one.url, [])[-1:], newest]


def before_look(database: Database) -> int:
    """The newest decision now. Raises StateUnusable."""
    with database.read() as connection:
        return newest_decision(connection)


def late_builds(database: Database, one: Polled, found: Refs, window: Window) -> list[Arrival]:
    """Moves from what messages had built to where refs are, for the triggers that built elsewhere.

    Raises StateUnusable.
    """
    tasks = sorted({each.address for each in one.everyone})
    with database.read() as connection:
        built = hooks_built(connection, tasks, *window)
    late: dict[tuple[str, str], list[Listening]] = {}
    for each in one.everyone:
        for ref, at in found.refs.items() if built else ():
            commit = built.get((each.address, each.name, f"{one.repository} {ref}"))
            if commit is not None and commit != at:
                late.setdefault((ref, commit), []).append(each)
    return [
        Arrival(_push(one, found, ref, commit), tuple(those))
        for (ref, commit), those in late.items()
    ]


def _push(one: Polled, found: Refs, ref: str, commit: str) -> Push:
    return Push(
        repository=one.repository,
        ref=ref,
        before=commit,
        after=found.refs[ref],
        default_branch=found.default_branch,
        sender=ACTOR,
    )
