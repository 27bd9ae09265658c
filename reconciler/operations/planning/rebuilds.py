"""What pushes to base images build anew, before and after a plan. Reads what is live; no file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.operations.planning.reach import Reach, reach
from reconciler.operations.planning.standings import Minders, minded
from reconciler.plan.change import Change
from reconciler.plan.facts import RebuildChange


@dataclass(frozen=True, slots=True)
class _Ways:
    """By address: the images that a task is built anew for, and what it pushes; who pushes what."""

    minds: Mapping[str, frozenset[str]]
    pushes: Mapping[str, frozenset[str]]
    makers: Mapping[str, Sequence[str]]

    def of(self, address: str) -> tuple[frozenset[str], frozenset[str]]:
        """What decides on a task's part in any push."""
        minds = self.minds.get(address, frozenset())
        return minds, self.pushes.get(address, frozenset()) if minds else frozenset()


def rebuild_changes(
    now: Minders, then: Minders, changes: Iterable[Change], at_once: int
) -> tuple[RebuildChange, ...]:
    """Every image a push to which builds other tasks than now; most tasks first, then by name.

    A task that is renamed is the same one. An image that is named by its digest never moves.
    """
    renamed = {one.previous_address or one.address: one.address for one in changes}
    before, after = _ways(now), _ways(then)
    moved = [(old, new) for old, new in renamed.items() if before.of(old) != after.of(new)]
    images = _above(before, [old for old, _ in moved]) | _above(after, [new for _, new in moved])
    found, was_reached, is_reached = [], _reaching(now), _reaching(then)
    for image in sorted(images):
        old, new = was_reached(image), is_reached(image)
        was = {renamed.get(address, address) for address in old.tasks}
        if was != new.tasks:
            found.append(_told(image, old, new, was, at_once))
    return tuple(sorted(found, key=lambda one: (-sum(one.waves), one.image)))


def _reaching(those: Minders) -> Callable[[str], Reach]:
    """How far pushes come. Images on which the same tasks stand are asked for once."""
    known: dict[frozenset[tuple[str, str]], Reach] = {}

    def reaching(image: str) -> Reach:
        direct = frozenset(
            (address, base.platform)
            for address, base in those.standers.get(image, ())
            if (one := those.book.get(address)) is not None and one.minds(base.kind) is None
        )
        if direct not in known:
            known[direct] = reach(those, image)
        return known[direct]

    return reaching


def _told(image: str, old: Reach, new: Reach, was: set[str], at_once: int) -> RebuildChange:
    return RebuildChange(
        image=image,
        waves=tuple(map(len, new.waves)),
        waves_before=tuple(map(len, old.waves)),
        gained=tuple(sorted(new.tasks - was)),
        lost=tuple(sorted(was - new.tasks)),
        at_once=at_once,
        beyond=new.beyond,
        platforms=new.platforms,
    )


def _ways(those: Minders) -> _Ways:
    minds: dict[str, set[str]] = defaultdict(set)
    for address, base in minded(those):
        minds[address].add(base.reference)
    makers: dict[str, list[str]] = defaultdict(list)
    for address in minds:
        for image in those.book[address].images:
            makers[image].append(address)
    return _Ways(
        {address: frozenset(images) for address, images in minds.items()},
        {address: frozenset(those.book[address].images) for address in minds},
        makers,
    )


def _above(ways: _Ways, addresses: Iterable[str]) -> set[str]:
    """The images whose moves reach tasks, through those that push what these stand on."""
    found, seen, waiting = set[str](), set[str](), list(addresses)
    while waiting:
        address = waiting.pop()
        if address not in seen:
            seen.add(address)
            images = ways.minds.get(address, frozenset())
            found |= {image for image in images if "@" not in image}
            waiting += [maker for image in images for maker in ways.makers.get(image, ())]
    return found
