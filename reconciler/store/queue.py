"""The queue of runs: who waits. `store/claims` takes from it, `store/leases` keeps what was taken.

A row stands here until its worker has settled the run; what is kept of it is in `runs`. Judges
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from reconciler.base.clock import to_iso
from reconciler.model.lease import Enqueued, Waiting
from reconciler.model.run import RunRecord, RunStatus
from reconciler.store.database import Database
from reconciler.store.moment import moment
from reconciler.store.runs import save_changes
from reconciler.store.schema import queue, runs

_AT_ONCE = 500  # values in one question


# ------------------------------------------------------------------- enqueue
def enqueue(connection: Connection, waiting: Waiting) -> Enqueued:
    """Put a run into the queue, in the caller's transaction.

    A waiting run of the same `fold` is given the new work instead, under its own id and place.
    """
    (found,) = enqueue_all(connection, [waiting])
    return found


def enqueue_all(connection: Connection, everyone: Sequence[Waiting]) -> list[Enqueued]:
    """As `enqueue`, for many: what became of each, in their order."""
    older = _waiting_of(connection, [item.fold for item in everyone if item.fold is not None])
    found: list[Enqueued] = []
    fresh: dict[str, Waiting] = {}
    for item in everyone:
        known = older.get(item.fold) if item.fold is not None else None
        if known is None:
            fresh[item.record.id] = item
            found.append(Enqueued(item.record.id, folded=False))
            if item.fold is not None:
                older[item.fold] = item.record
            continue
        merged = item.record.model_copy(update={"id": known.id, "queued": known.queued})
        found.append(Enqueued(known.id, folded=True))
        if known.id in fresh:  # two of one call
            fresh[known.id] = replace(fresh[known.id], record=merged)
        else:
            save_changes(connection, merged)
    if fresh:
        _insert(connection, list(fresh.values()))
    return found


def _insert(connection: Connection, fresh: list[Waiting]) -> None:
    now = moment(connection)
    records = [
        {
            "id": item.record.id,
            "task": item.record.task,
            "status": RunStatus.QUEUED.value,
            "queued": to_iso(item.record.queued),
            "record": item.record.model_dump_json(by_alias=True, exclude_defaults=True),
        }
        for item in fresh
    ]
    places = [
        {
            "run_id": item.record.id,
            "pool": item.pool,
            "priority": item.priority,
            "series": item.series,
            "fold": item.fold,
            "start_after": now.seconds + item.delay if item.delay else None,
            "clock": now.clock,
            "crowd": item.crowd,
            "crowd_cap": item.crowd_cap,
        }
        for item in fresh
    ]
    connection.execute(sa.insert(runs), records)
    connection.execute(sa.insert(queue), places)


def _waiting_of(connection: Connection, folds: Sequence[str]) -> dict[str, RunRecord]:
    """The waiting run of each fold that has one, locked until the transaction ends."""
    found: dict[str, RunRecord] = {}
    for start in range(0, len(folds), _AT_ONCE):
        query = (
            sa.select(queue.c.fold, runs.c.record)
            .join(runs, runs.c.id == queue.c.run_id)
            .where(
                queue.c.fold.in_(folds[start : start + _AT_ONCE]),
                queue.c.worker.is_(None),
                runs.c.cancel_requested.is_(None),
            )
            .order_by(queue.c.position)
            .with_for_update(of=queue)
        )
        for row in connection.execute(query):
            found[row.fold] = RunRecord.model_validate_json(row.record)
    return found


def open_series(connection: Connection, names: Sequence[str]) -> set[str]:
    """Those of some series that have a run which has not ended."""
    found: set[str] = set()
    for start in range(0, len(names), _AT_ONCE):
        part = queue.c.series.in_(names[start : start + _AT_ONCE])
        query = sa.select(queue.c.series).where(part, queue.c.ended == 0)
        found.update(connection.execute(query).scalars())
    return found


# ---------------------------------------------------------------------- depth
@dataclass(frozen=True, slots=True)
class Depth:
    """A pool at one moment: runs that wait, runs with a lease, and since when the oldest waits."""

    waiting: int
    running: int
    oldest: str | None


def depths(database: Database) -> dict[str, Depth]:
    """The pools that have open runs. `oldest` is the moment (ISO) it was queued."""
    waits, oldest = queue.c.worker.is_(None), sa.func.min
    query = (
        sa.select(
            queue.c.pool,
            sa.func.count().filter(waits).label("waiting"),
            sa.func.count().filter(sa.not_(waits)).label("running"),
            oldest(runs.c.queued).filter(waits).label("oldest"),
        )
        .join(runs, runs.c.id == queue.c.run_id)
        .where(queue.c.ended == 0)
        .group_by(queue.c.pool)
    )
    with database.read() as connection:
        rows = connection.execute(query).all()
    return {row.pool: Depth(row.waiting, row.running, row.oldest) for row in rows}
