"""Tasks that mind base images: what they push, what they are built anew for. Reads no state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.base.errors import ReconcilerError
from reconciler.engine.following import Standers
from reconciler.engine.standing import Book, Standing
from reconciler.model.task import Task
from reconciler.model.tracked import TrackedBase
from reconciler.operations.planning.dockerfiles import BasesReader
from reconciler.operations.planning.pushed_names import pushed_names
from reconciler.plan.parts import Document


@dataclass(frozen=True, slots=True)
class Minders:
    """Who stands on which image, and who of them has a trigger for base images."""

    standers: Standers
    book: Book


def standing_of(
    reader: BasesReader, task: Task, document: Document | None = None
) -> Standing | None:
    """A task with its trigger for base images and what it pushes; None if it has no trigger.

    `document` is its canonical one, where that is at hand. One whose task file cannot be read
    pushes nothing that is known.
    """
    trigger = task.spec.triggers.base_image
    if trigger is None:
        return None
    try:
        return Standing.of(task, trigger, dict.fromkeys(pushed_names(reader, task, document)))
    except ReconcilerError:
        return Standing.of(task, trigger)


def minded(minders: Minders) -> Iterator[tuple[str, TrackedBase]]:
    """Each task that is built anew with each image that it is built anew for."""
    for those in minders.standers.values():
        for address, base in those:
            standing = minders.book.get(address)
            if standing is not None and standing.minds(base.kind) is None:
                yield address, base
