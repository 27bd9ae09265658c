"""What grows old in a state: logs, details of runs, decisions. Forgets what it is told; judges not.

The row of a run stays, with what it made and stood on. Each call is many short transactions:
whoever works with the state waits for none of them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from reconciler.base.clock import from_iso, to_iso
from reconciler.base.errors import StateUnusable
from reconciler.model.run import RunRecord, RunStatus
from reconciler.store.database import Database
from reconciler.store.rebuilds import purge_events
from reconciler.store.schema import decisions, deliveries, runs

_AT_ONCE = 500
_FINAL = tuple(status.value for status in RunStatus if status.final)
# Of a record: how it was asked for, what it was given, and what each step did.
_DETAILS: dict[str, object] = {"steps": (), "overrides": {}, "request": {}, "wanted": {}}


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run that has ended: its task, None for a quick build, and when it was queued."""

    id: str
    task: str | None
    queued: datetime


# ---------------------------------------------------------------------- logs
def purge_logs(database: Database, logs: Path, is_old: Callable[[EndedRun], bool]) -> int:
    """Delete the logs of ended runs that are old; how many. Raises StateUnusable."""
    deleted = 0
    for paths in _logs(logs):
        for run in _ended(database, list(paths)):
            if is_old(run):
                with contextlib.suppress(FileNotFoundError):
                    _delete(paths[run.id])
                    deleted += 1
    return deleted


def _logs(folder: Path) -> Iterator[dict[str, Path]]:
    """Logs by the id of their run, some at once."""
    found: dict[str, Path] = {}
    with contextlib.suppress(FileNotFoundError):
        for path in folder.iterdir():
            if path.suffix == ".jsonl":
                found[path.stem] = path
            if len(found) == _AT_ONCE:
                yield found
                found = {}
    yield found


def _ended(database: Database, ids: Sequence[str]) -> list[EndedRun]:
    query = sa.select(runs.c.id, runs.c.task, runs.c.queued).where(
        runs.c.id.in_(ids), runs.c.status.in_(_FINAL)
    )
    with database.read() as connection:
        rows = connection.execute(query).all()
    return [EndedRun(row.id, row.task, from_iso(row.queued)) for row in rows]


def _delete(path: Path) -> None:
    try:
        path.unlink()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StateUnusable(f"the log {path.name} cannot be deleted: {error.strerror}") from None


# ------------------------------------------------------------------- details
def purge_details(database: Database, task: str, after: datetime | None, before: datetime) -> int:
    """Forget steps and values of the ended runs of a task that were queued before a moment.

    Not looked at are those from before `after`, of which that was done. How many had any. Raises
    StateUnusable.
    """
    changed, last = 0, to_iso(after) if after is not None else ""
    while rows := _old_runs(database, task, last, to_iso(before)):
        last = rows[-1][0]
        found = [RunRecord.model_validate_json(record) for _, record in rows]
        changed += _save(database, [record for record in found if _has_details(record)])
        if len(rows) < _AT_ONCE:
            break
    return changed


def _old_runs(database: Database, task: str, after: str, before: str) -> list[tuple[str, str]]:
    """(queued, record) of some runs, oldest first; all of one moment are among them or none."""
    query = (
        sa.select(runs.c.queued, runs.c.record)
        .where(runs.c.task == task, runs.c.queued > after, runs.c.queued < before)
        .where(runs.c.status.in_(_FINAL))
        .order_by(runs.c.queued)
    )
    with database.read() as connection:
        found = [(row.queued, row.record) for row in connection.execute(query.limit(_AT_ONCE))]
        if len(found) < _AT_ONCE:
            return found
        last = found[-1][0]
        same = connection.execute(query.where(runs.c.queued == last))
        earlier = [item for item in found if item[0] != last]
        return [*earlier, *((row.queued, row.record) for row in same)]


def _has_details(record: RunRecord) -> bool:
    return any(getattr(record, name) for name in _DETAILS)


def _save(database: Database, records: Sequence[RunRecord]) -> int:
    change = (
        sa.update(runs)
        .where(runs.c.id == sa.bindparam("key_id"))
        .values(record=sa.bindparam("kept"))
    )
    kept = [
        {
            "key_id": record.id,
            "kept": record.model_copy(update=_DETAILS).model_dump_json(by_alias=True),
        }
        for record in records
    ]
    if kept:
        with database.write() as connection:
            connection.execute(change, kept)
    return len(kept)


# ----------------------------------------------------------------- decisions
def purge_decisions(database: Database, before: datetime) -> int:
    """Forget decisions, that messages of hooks came, and events of images, from before a moment.

    How many decisions that were. Raises StateUnusable.
    """
    _purge(database, deliveries, deliveries.c.received, before)
    with database.write() as connection:
        purge_events(connection, before.timestamp())
    return _purge(database, decisions, decisions.c.at, before)


def _purge(database: Database, table: sa.Table, at: sa.Column[Any], before: datetime) -> int:
    keys = list(table.primary_key.columns)
    old = sa.select(*keys).where(at < to_iso(before)).order_by(at).limit(_AT_ONCE)
    named = sa.tuple_(*keys).in_(old) if len(keys) > 1 else keys[0].in_(old)
    purged = 0
    while True:
        with database.write() as connection:
            count = connection.execute(sa.delete(table).where(named)).rowcount
        purged += count
        if count < _AT_ONCE:
            return purged
