"""Refuses tasks that would build each other without an end, whenever a base of theirs moves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.base.diagnostics import Diagnostic, Location
from reconciler.base.errors import InvalidInput
from reconciler.model.task import Task
from reconciler.model.tracked import TrackedBase
from reconciler.operations.planning.dockerfiles import BasesReader
from reconciler.operations.planning.pushed_names import pushed_names
from reconciler.plan.change import Change
from reconciler.plan.waves import answer

_FIX = "take the base from another tag than the one that is pushed, or leave out triggers.baseImage"


@dataclass(frozen=True, slots=True)
class _Build:
    """What a task pushes, and the bases that it is built anew for, by reference."""

    pushes: frozenset[str]
    minds: Mapping[str, TrackedBase]


def refuse_circles(
    reader: BasesReader, changes: Iterable[Change], circles: Sequence[Sequence[str]]
) -> None:
    """Raises InvalidInput for tasks that push what they are built anew for, one or several.

    `circles` are tasks that depend on each other in any way, among the changes.
    """
    builds = {
        change.address: found for change in changes if (found := _build(reader, change)) is not None
    }
    problems = [
        _problem(address, base, "itself")
        for address, one in builds.items()
        for base in (one.minds[name] for name in sorted(one.pushes & one.minds.keys()))
    ]
    for circle in circles:
        left = _endless({address: builds[address] for address in circle if address in builds})
        problems += [
            _problem(address, base, ", ".join(other for other in sorted(left) if other != address))
            for address, base in sorted(left.items())
        ]
    if problems:
        raise InvalidInput(problems)


def _build(reader: BasesReader, change: Change) -> _Build | None:
    """A task with a trigger that is on; None for all others, most of which are not even read."""
    target, bases = change.target, change.bases
    if target is None or bases is None or not bases.images or '"baseImage"' not in target.text:
        return None
    task = Task.model_validate(target.read())
    minds = {base.reference: base for base in bases.images if answer(task, base.kind) == "rebuilds"}
    return _Build(frozenset(pushed_names(reader, task)), minds) if minds else None


def _endless(builds: Mapping[str, _Build]) -> dict[str, TrackedBase]:
    """The tasks that stand on one another and are stood on, with the base of each that says so."""
    left = dict(builds)
    while True:
        pushed = {name: address for address, one in left.items() for name in one.pushes}
        minded = {name for one in left.values() for name in one.minds}
        kept = {
            address: one
            for address, one in left.items()
            if one.pushes & minded
            and any(pushed.get(name, address) != address for name in one.minds)
        }
        if len(kept) == len(left):
            break
        left = kept
    return {
        address: next(
            base for name, base in sorted(one.minds.items()) if pushed.get(name, address) != address
        )
        for address, one in left.items()
    }


def _problem(address: str, base: TrackedBase, whom: str) -> Diagnostic:
    place = Location(base.file, base.line or 1, 1) if base.file is not None else None
    return Diagnostic(
        f"{address} would build {whom} anew without an end",
        place,
        code="rebuild-circle",
        task=address,
        found=f"it stands on {base.reference}, which is pushed by {whom}",
        fix=_FIX,
    )
