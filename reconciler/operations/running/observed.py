"""What a run of a task really used, to be tracked. Runs nothing, and judges no trigger."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reconciler.model.run import RunRecord, RunStatus
from reconciler.model.tracked import TaskBases, TrackedBase, tracked_reference

if TYPE_CHECKING:
    from reconciler.store.task_bases import Transaction

_TOOL = "step"  # the image that a command ran in: nothing is built from it


def observed_bases(record: RunRecord) -> TaskBases | None:
    """What the applied task stands on by one of its runs; None if the run does not tell.

    Only one that succeeded, as the task was applied, tells of all its builds: no one that was tried
    with other words, and none that does an earlier one again.
    """
    if record.task is None or record.status is not RunStatus.SUCCEEDED:
        return None
    if record.overrides or record.rerun_of is not None or record.bases_unread:
        return None
    found: dict[tuple[str, str, str], TrackedBase] = {}
    for base in _bases(record):
        found.setdefault((base.reference, base.kind, base.platform), base)
    return TaskBases(images=tuple(found.values()))


def _bases(record: RunRecord) -> Iterator[TrackedBase]:
    made = {name for output in record.outputs if (name := _name(output.reference))}
    for base in record.bases:
        reference = _name(base.reference)
        if reference is None or reference in made or base.role == _TOOL:
            continue
        yield TrackedBase(
            reference=reference,
            platform=base.platform or record.platform,
            kind="runtime" if base.role == "runtime" else "buildtime",
        )


def _name(text: str) -> str | None:
    try:
        return tracked_reference(text)
    except ValueError:
        return None


def remember_observed(connection: Transaction, record: RunRecord) -> None:
    """Write what a run used, in the commit that ends it."""
    from reconciler.store.task_bases import observe_bases  # noqa: PLC0415  (late: SQLAlchemy)

    bases = observed_bases(record)
    if bases is not None and record.task is not None:
        at = record.finished or record.queued
        observe_bases(connection, record.task, bases, asked=record.queued, at=at)
