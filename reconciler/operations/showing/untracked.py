"""Tasks that a push of a base may not reach, since it is not known what all they stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.task import Task

if TYPE_CHECKING:  # late: SQLAlchemy
    from reconciler.store.task_bases import Transaction

OF_EARLIER = "it was applied by an earlier version"


def not_tracked(connection: Transaction, address: str | None = None) -> dict[str, str]:
    """By address why it is not known what tasks with a trigger stand on; of one task if asked."""
    from reconciler.store.task_bases import unread_tasks  # noqa: PLC0415  (late, as above)

    return {one.address: one.why or OF_EARLIER for one in unread_tasks(connection, address)}


def why_untracked(task: Task, known: dict[str, str], address: str) -> str | None:
    """Why that is not known of a live task; None if it is, or if its trigger is off."""
    trigger = task.spec.triggers.base_image
    if trigger is None or address not in known:
        return None
    from reconciler.engine.standing import Standing  # noqa: PLC0415  (late: the plan)

    return known[address] if Standing.of(task, trigger).off is None else None
