"""How far the news of a push comes: the judgement of the daemon, asked before anything moved.

For `graph --base` and for what a plan says of base images. Reads and starts nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.engine.following import follow, minders
from reconciler.model.event import Verdict
from reconciler.model.watched import Move, Served
from reconciler.operations.planning.standings import Minders

_OLD, _NEW = Served("old"), Served("new")


@dataclass(frozen=True, slots=True)
class Reach:
    """The tasks that a push to an image builds anew, wave by wave, each sorted.

    `beyond` would be more builds one after the other than there may be, and are not built.
    `platforms` are those of tasks on the image itself: one moves for all of them, or for some.
    """

    waves: tuple[tuple[str, ...], ...] = ()
    beyond: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()

    @property
    def tasks(self) -> frozenset[str]:
        """All that are built."""
        return frozenset(address for wave in self.waves for address in wave)


def reach(those: Minders, image: str) -> Reach:
    """What a push to an image (as tracked) builds anew, if it moves for every platform."""
    followed = follow(0, [Move(image, _OLD, _NEW)], those.standers, those.book)
    waves: dict[int, list[str]] = defaultdict(list)
    for one in followed.rebuilds:
        waves[one.hop].append(one.address)
    beyond = {one.address for one in followed.left if one.verdict is Verdict.HOP_LIMIT}
    built = {one.address for one in followed.rebuilds}
    platforms = {
        base.platform
        for address, base in those.standers.get(image, ())
        if address in built and those.book[address].minds(base.kind) is None
    }
    return Reach(
        tuple(tuple(sorted(waves[hop])) for hop in sorted(waves)),
        tuple(sorted(beyond)),
        tuple(sorted(platforms)),
    )


def links(those: Minders, image: str, found: Reach) -> Iterator[tuple[str | None, str]]:
    """Who stands on whom of those that are built: (None for the image itself, or a task; task)."""
    tasks = found.tasks
    for address in minders(image, those.standers, those.book) & tasks:
        yield None, address
    for writer in tasks:
        for name in those.book[writer].images:
            for taker in (minders(name, those.standers, those.book) & tasks) - {writer}:
                yield writer, taker
