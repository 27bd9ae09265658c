"""`tasks`: every live task, its last run and its next timer. Prints and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from pydantic import ValidationError

from reconciler.model.run import RunRecord
from reconciler.model.schedule import ScheduleError, next_fire
from reconciler.model.task import Task
from reconciler.operations.showing.unpolled import Unpolled, not_polled
from reconciler.operations.showing.unseen import Unseen, not_seen
from reconciler.operations.showing.untracked import not_tracked, why_untracked
from reconciler.operations.workspace import OpenWorkspace


@dataclass(frozen=True, slots=True)
class NextFire:
    """The enabled timer of a task that comes first, and when (UTC)."""

    timer: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LiveRow:
    """One live task. `task` is None if this version cannot understand what is stored.

    `unseen` are base images that it would be built anew for, if they could be looked at;
    `untracked` is why it is not known what all it stands on; `unpolled` are repositories that it is
    polled for, if they would answer.
    """

    address: str
    task: Task | None
    changed_by: str | None
    changed_at: datetime | None
    last_run: RunRecord | None = None
    next_fire: NextFire | None = None
    unseen: tuple[Unseen, ...] = ()
    untracked: str | None = None
    unpolled: tuple[Unpolled, ...] = ()


def live_tasks(opened: OpenWorkspace, now: datetime) -> list[LiveRow]:
    """Every live task, by address. Raises StateUnusable."""
    from reconciler.store.last_runs import last_runs  # noqa: PLC0415  (late: SQLAlchemy)

    newest = last_runs(opened.database)
    with opened.database.read() as connection:
        dark, unknown = not_seen(connection, now), not_tracked(connection)
        silent = not_polled(connection)
    # Many tasks have one schedule, and reading one costs more than all the rest of a row.
    find = lru_cache(maxsize=None)(lambda schedule: _fire(schedule, now))
    rows = []
    for live in opened.provider.read_all():
        task = _understood(live.document)
        coming = first_fire(task, find) if task is not None else None
        last = newest.get(live.address)
        unseen = dark.of(task, live.address) if task is not None else ()
        why = why_untracked(task, unknown, live.address) if task is not None else None
        unpolled = silent.of(task, live.address) if task is not None else ()
        by, at = live.changed_by, live.changed_at
        row = LiveRow(live.address, task, by, at, last, coming, unseen, why, unpolled)
        rows.append(row)
    return sorted(rows, key=lambda row: row.address)


def _understood(document: str) -> Task | None:
    try:
        return Task.model_validate_json(document)
    except ValidationError:
        return None


def first_fire(task: Task, find: Callable[[str], datetime | None]) -> NextFire | None:
    """The first fire of all enabled timers; None for a task that is off or has no timer."""
    if task.spec.status == "Disabled":
        return None
    coming = [
        NextFire(name, at)
        for name, timer in task.spec.triggers.timers.items()
        if timer.status == "Enabled" and (at := find(timer.schedule)) is not None
    ]
    return min(coming, key=lambda fire: (fire.at, fire.timer), default=None)


def _fire(schedule: str, now: datetime) -> datetime | None:
    try:
        return next_fire(schedule, now)
    except ScheduleError:
        return None
