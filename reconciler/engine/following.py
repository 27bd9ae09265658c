"""From images that moved to the tasks that are rebuilt for them, and those that are not. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.engine.standing import Book
from reconciler.model.event import Verdict
from reconciler.model.rebuild import Digests, Rebuild
from reconciler.model.tracked import TrackedBase
from reconciler.model.watched import MOST_HOPS, Move
from reconciler.plan.waves import in_waves

# By reference: who stands on it, and how.
Standers = Mapping[str, Sequence[tuple[str, TrackedBase]]]


@dataclass(frozen=True, slots=True)
class Left:
    """A task that is not rebuilt, and why."""

    address: str
    reference: str
    verdict: Verdict
    detail: str = ""


@dataclass(slots=True)
class Followed:
    """How far the news of an event comes."""

    rebuilds: list[Rebuild] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)


def follow(event: int, moves: Sequence[Move], standers: Standers, book: Book) -> Followed:
    """The tasks of an event: those that stand on what moved, on what these push, and so on.

    One that is built already when what closes a circle is pushed is not built again.
    """
    found = Followed()
    moved: dict[str, dict[str, tuple[str | None, str]]] = {}
    for move in moves:
        for address, why in _on(move, standers.get(move.reference, ()), book).items():
            if why is None:
                moved.setdefault(address, {})[move.reference] = move.digests
            else:
                found.left.append(Left(address, move.reference, why))
    above, through = _descendants(moved, standers, book)
    for hop, wave in enumerate(in_waves(above)):
        for address in wave:
            if hop > MOST_HOPS:
                detail = f"more than {MOST_HOPS} builds one after the other"
                left = Left(address, through[address], Verdict.HOP_LIMIT, detail)
                found.left.append(left)
                continue
            found.rebuilds.append(Rebuild(event, address, hop, moved=moved.get(address, {})))
    hops = {item.address: item.hop for item in found.rebuilds}
    found.rebuilds = [_waiting(item, above[item.address], hops) for item in found.rebuilds]
    built = set(hops)
    found.left = [
        one for one in found.left if one.address not in built or one.verdict is Verdict.HOP_LIMIT
    ]
    return found


def _waiting(item: Rebuild, above: Iterable[str], hops: Mapping[str, int]) -> Rebuild:
    earlier = sorted(one for one in above if hops.get(one, item.hop) < item.hop)
    return Rebuild(item.event, item.address, item.hop, tuple(earlier), item.moved)


def _on(
    move: Move, standers: Iterable[tuple[str, TrackedBase]], book: Book
) -> dict[str, Verdict | None]:
    """What each task that stands on an image does when it moves: None if it is rebuilt.

    A task may stand on it in several stages: one that counts is enough.
    """
    found: dict[str, Verdict | None] = {}
    for address, base in standers:
        standing = book.get(address)
        if standing is None or found.get(address, Verdict.OTHER_STAGE) is None:
            continue
        why = standing.minds(base.kind)
        if why is None and not move.moved_for(base.platform):
            why = Verdict.SAME_DIGEST
        if why is not Verdict.OTHER_STAGE or address not in found:
            found[address] = why
    return found


def minders(reference: str, standers: Standers, book: Book) -> set[str]:
    """The tasks that are rebuilt when an image moves, whatever their platform is."""
    return {
        address
        for address, base in standers.get(reference, ())
        if (one := book.get(address)) is not None and one.minds(base.kind) is None
    }


def _descendants(
    first: Iterable[str], standers: Standers, book: Book
) -> tuple[dict[str, set[str]], dict[str, str]]:
    """For each task that the news reaches those of them it stands on, and through which image."""
    above: dict[str, set[str]] = {address: set() for address in first}
    through: dict[str, str] = dict.fromkeys(above, "")
    waiting = deque(above)
    while waiting:
        writer = waiting.popleft()
        for image in book[writer].images:
            for taker in minders(image, standers, book) - {writer}:
                if taker not in above:
                    above[taker] = set()
                    through[taker] = image
                    waiting.append(taker)
                above[taker].add(writer)
    return above, through


def merged(*parts: Digests) -> Digests:
    """Digests by reference, the later ones over the earlier."""
    found: dict[str, tuple[str | None, str]] = {}
    for part in parts:
        found.update(part)
    return found
