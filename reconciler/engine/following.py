"""From images that moved to the tasks that are rebuilt for them, and those that are not. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from reconciler.engine.standing import Book
from reconciler.model.event import Verdict
from reconciler.model.last_built import Built, LastBuilt
from reconciler.model.rebuild import Digests, Rebuild
from reconciler.model.tracked import TrackedBase
from reconciler.model.watched import MOST_HOPS, Move
from reconciler.plan.waves import in_waves

# By reference: who stands on it, and how.
Standers = Mapping[str, Sequence[tuple[str, TrackedBase]]]
# The digest before, None where there was none, and the one now.
Pair = tuple[str | None, str]

_NOTHING_KNOWN: Built = MappingProxyType({})
_DETAILS = {Verdict.FIRST_SIGHT: "no run tells what it was built on before"}


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


def follow(
    event: int,
    moves: Sequence[Move],
    standers: Standers,
    book: Book,
    built: Built = _NOTHING_KNOWN,
) -> Followed:
    """The tasks of an event: those that stand on what moved, on what these push, and so on.

    One that is built already when what closes a circle is pushed is not built again. `built` says
    what tasks on tags that nobody had looked at before were last built on.
    """
    found = Followed()
    moved: dict[str, dict[str, Pair]] = {}
    for move in moves:
        on = _on(move, standers.get(move.reference, ()), book, built)
        for address, fate in on.items():
            if isinstance(fate, Verdict):
                found.left.append(Left(address, move.reference, fate, _DETAILS.get(fate, "")))
            else:
                moved.setdefault(address, {})[move.reference] = fate
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
    found.left = [
        one for one in found.left if one.address not in hops or one.verdict is Verdict.HOP_LIMIT
    ]
    return found


def _waiting(item: Rebuild, above: Iterable[str], hops: Mapping[str, int]) -> Rebuild:
    earlier = sorted(one for one in above if hops.get(one, item.hop) < item.hop)
    return Rebuild(item.event, item.address, item.hop, tuple(earlier), item.moved)


def _on(
    move: Move, standers: Iterable[tuple[str, TrackedBase]], book: Book, built: Built
) -> dict[str, Verdict | Pair]:
    """For each task that stands on an image that moved the digests, or why it is not rebuilt.

    A task may stand on it in several stages: one that counts is enough.
    """
    found: dict[str, Verdict | Pair] = {}
    for address, base in standers:
        standing = book.get(address)
        if standing is None or isinstance(found.get(address), tuple):
            continue
        fate = standing.minds(base.kind) or _moved(move, base, built.get((address, base.reference)))
        if fate is not Verdict.OTHER_STAGE or address not in found:
            found[address] = fate
    return found


def _moved(move: Move, base: TrackedBase, last: LastBuilt | None) -> Verdict | Pair:
    if not move.unseen:
        return move.digests if move.moved_for(base.platform) else Verdict.SAME_DIGEST
    if last is None or not last.digests(base.reference, base.platform):
        return Verdict.FIRST_SIGHT
    before = last.before(base, move.served)
    return Verdict.SAME_DIGEST if before is None else (before, move.served.digest)


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
    found: dict[str, Pair] = {}
    for part in parts:
        found.update(part)
    return found
