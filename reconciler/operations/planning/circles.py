"""Tasks that would build each other without an end, whenever a base of theirs moves. Reads nothing.

A link is a task that is built anew for an image that one of its circle pushes, itself or another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.base.diagnostics import Diagnostic, Location
from reconciler.base.errors import InvalidInput
from reconciler.model.tracked import TrackedBase
from reconciler.operations.planning.standings import Minders, minded
from reconciler.plan.waves import circles_in

_FIX = "take the base from another tag than the one that is pushed, or leave out triggers.baseImage"
_MOST_NAMED = 3


@dataclass(slots=True)
class Build:
    """What a task pushes, and the bases that it is built anew for, by reference."""

    pushes: frozenset[str]
    minds: dict[str, TrackedBase] = field(default_factory=dict)


def refuse_circles(after: Minders, addresses: Iterable[str]) -> None:
    """Raises InvalidInput for circles that some tasks are part of, one problem for each link."""
    builds = {name: Build(frozenset(one.images)) for name, one in after.book.items()}
    for address, base in minded(after):
        builds[address].minds.setdefault(base.reference, base)
    problems = list(circle_problems(builds, frozenset(addresses)))
    if problems:
        raise InvalidInput(problems)


def circle_problems(
    builds: Mapping[str, Build], among: frozenset[str] | None = None
) -> Iterator[Diagnostic]:
    """One problem for each link of every circle, at the line that says so.

    With `among` only of circles that one of these tasks is part of.
    """
    makers: dict[str, list[str]] = defaultdict(list)
    for address, one in builds.items():
        for image in one.pushes:
            makers[image].append(address)
    needs = {
        address: {maker for image in one.minds for maker in makers.get(image, ())}
        for address, one in builds.items()
    }
    for circle in circles_in(needs):
        if among is None or not among.isdisjoint(circle):
            for address in circle:
                for image, base in sorted(builds[address].minds.items()):
                    inside = sorted({*makers.get(image, ())} & {*circle})
                    if inside:
                        yield _problem(address, base, inside, circle)


def _problem(
    address: str, base: TrackedBase, makers: list[str], circle: tuple[str, ...]
) -> Diagnostic:
    place = Location(base.file, base.line or 1, 1) if base.file is not None else None
    others = [other for other in circle if other != address]
    whom = _some(others) if others else "itself"
    return Diagnostic(
        f"{address} would build {whom} anew without an end",
        place,
        code="rebuild-circle",
        task=address,
        found=f"it stands on {base.reference}, which is pushed by "
        + ("itself" if makers == [address] else _some(makers)),
        fix=_FIX,
    )


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
