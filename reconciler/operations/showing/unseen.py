"""Base images that the daemon cannot look at, and whom that concerns. Asks no registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.model.task import Task
from reconciler.model.tracked import BaseKind

if TYPE_CHECKING:  # late: SQLAlchemy
    from reconciler.model.watched import RegistryPause, WatchedImage
    from reconciler.store.task_bases import Transaction


@dataclass(frozen=True, slots=True)
class Unseen:
    """A base image of a task that is not seen now: a push to it builds nothing.

    `since` is the last look that the registry answered, None for never; `looked` the last one.
    `again` is when a registry that is left alone is asked again. Times are UTC.
    """

    image: str
    why: str
    since: datetime | None = None
    looked: datetime | None = None
    again: datetime | None = None


@dataclass(frozen=True, slots=True)
class NotSeen:
    """All of them at one moment: of each task (image, kind of base)."""

    by_task: Mapping[str, tuple[tuple[Unseen, BaseKind], ...]]

    def of(self, task: Task, address: str) -> tuple[Unseen, ...]:
        """Those that a task is built anew for; of one that has no trigger for them: none."""
        found = self.by_task.get(address, ())
        trigger = task.spec.triggers.base_image
        if not found or trigger is None:
            return ()
        from reconciler.engine.standing import Standing  # noqa: PLC0415  (late: the plan)

        standing = Standing.of(task, trigger, ())
        minded = [one for one, kind in found if standing.minds(kind) is None]
        return tuple(dict.fromkeys(minded))


def not_seen(connection: Transaction, now: datetime, address: str | None = None) -> NotSeen:
    """What cannot be looked at now, of one task if asked."""
    from reconciler.store.images import read_unseen  # noqa: PLC0415  (late: SQLAlchemy)
    from reconciler.store.pauses import list_pauses  # noqa: PLC0415

    pauses = {
        pause.host: pause for pause in list_pauses(connection) if not pause.over(now.timestamp())
    }
    found: dict[str, list[tuple[Unseen, BaseKind]]] = {}
    for task, kind, image in read_unseen(connection, list(pauses), address):
        pause = pauses.get(image.reference.partition("/")[0])
        found.setdefault(task, []).append((_unseen(image, pause), kind))
    return NotSeen({task: tuple(those) for task, those in found.items()})


def _unseen(image: WatchedImage, pause: RegistryPause | None) -> Unseen:
    why = pause.message if pause is not None else str(image.message)
    return Unseen(
        image.reference,
        why,
        _moment(image.seen_at),
        _moment(image.checked_at),
        _moment(pause.until) if pause is not None else None,
    )


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
