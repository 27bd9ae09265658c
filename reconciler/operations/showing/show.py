"""`show`: all that is known of one task: live, last applied, its runs, when it runs next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.model.run import RunRecord
from reconciler.model.schedule import ScheduleError, next_fire
from reconciler.model.task import Task
from reconciler.operations.naming import address_of
from reconciler.operations.running.run_place import place_of
from reconciler.operations.running.unserved import Unserved, unserved_of
from reconciler.operations.showing.tasks import NextFire
from reconciler.operations.showing.unpolled import Unpolled, not_polled
from reconciler.operations.showing.unseen import Unseen, not_seen
from reconciler.operations.showing.untracked import not_tracked, why_untracked
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.parts import Document, FieldChange

if TYPE_CHECKING:
    from reconciler.providers.base import LiveTask
    from reconciler.store.task_bases import Reading
    from reconciler.store.tasks import TaskRow

MOST_RUNS = 5


@dataclass(frozen=True, slots=True)
class Shown:
    """One task. `live` and `applied` are canonical documents, or None where it is not there.

    `unreadable`: it is live, and no task; `live` is None then too.

    `bases` is what it stands on, None where nobody has looked; `unseen` are those of them that the
    daemon cannot look at. `untracked` is why it is not known what all it stands on, where a trigger
    of it asks for that; `unpolled` are repositories that it is to be polled for, and do not answer.
    `unserved` are pools that its runs wait for without a worker.
    `drift` are the fields in which live differs from last applied: `before` is what was applied.
    """

    address: str
    live: Document | None
    unreadable: bool
    applied: Document | None
    changed_by: str | None
    changed_at: datetime | None
    applied_by: str | None
    applied_at: datetime | None
    file: str | None
    commit: str | None
    apply_id: str | None
    bases: Reading | None
    drift: tuple[FieldChange, ...]
    runs: tuple[RunRecord, ...]
    unserved: tuple[Unserved, ...]
    fires: tuple[NextFire, ...]
    unseen: tuple[Unseen, ...] = ()
    untracked: str | None = None
    unpolled: tuple[Unpolled, ...] = ()


def show_task(opened: OpenWorkspace, name: str, now: datetime) -> Shown:
    """What is known of a task that is live or was applied. Raises WrongUsage, StateUnusable."""
    from reconciler.plan.fields import field_changes  # noqa: PLC0415  (late: the plan)
    from reconciler.plan.stored import Stored, document_of, is_readable  # noqa: PLC0415
    from reconciler.store.runs import list_runs  # noqa: PLC0415  (late: SQLAlchemy)
    from reconciler.store.task_bases import read_bases  # noqa: PLC0415
    from reconciler.store.tasks import read_applied  # noqa: PLC0415

    with opened.database.read() as connection:
        rows = {row.address: row for row in read_applied(connection)}
    tasks = {one.address: one for one in opened.provider.read_all()}
    address = address_of(name, {*rows, *tasks}, "live or applied task")
    with opened.database.read() as connection:
        bases = read_bases(connection, address)
        dark = not_seen(connection, now, address)
        unknown = not_tracked(connection, address)
        silent = not_polled(connection)
    runs = list_runs(opened.database, task=address, limit=MOST_RUNS)
    row: TaskRow | None = rows.get(address)
    task: LiveTask | None = tasks.get(address)
    stored = Stored(task.document) if task else None
    readable = is_readable(stored)
    live = document_of(address, stored) if readable else None
    applied = document_of(address, Stored(row.document) if row else None)
    model = Task.model_validate(live) if live is not None else None
    return Shown(
        address=address,
        live=live,
        unreadable=not readable,
        applied=applied,
        changed_by=task.changed_by if task else None,
        changed_at=task.changed_at if task else None,
        applied_by=row.changed_by if row else None,
        applied_at=row.changed_at if row else None,
        file=row.file if row else None,
        commit=row.commit if row else None,
        apply_id=row.apply_id if row else None,
        bases=bases,
        drift=field_changes(applied, live) if applied is not None and live is not None else (),
        runs=tuple(runs),
        unserved=tuple(unserved_of(place_of(opened), runs)),
        fires=_fires(model, now),
        unseen=dark.of(model, address) if model is not None else (),
        untracked=why_untracked(model, unknown, address) if model is not None else None,
        unpolled=silent.of(model, address) if model is not None else (),
    )


def _fires(task: Task | None, now: datetime) -> tuple[NextFire, ...]:
    """The next fire of each timer that is on, the first one first."""
    if task is None or task.spec.status == "Disabled":
        return ()
    found = []
    for name, timer in task.spec.triggers.timers.items():
        at = _next(timer.schedule, now) if timer.status == "Enabled" else None
        if at is not None:
            found.append(NextFire(name, at))
    return tuple(sorted(found, key=lambda fire: (fire.at, fire.timer)))


def _next(schedule: str, now: datetime) -> datetime | None:
    try:
        return next_fire(schedule, now)
    except ScheduleError:
        return None
