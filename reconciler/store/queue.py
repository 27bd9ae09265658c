"""The queue of runs: who waits. `store/claims` takes from it, `store/leases` keeps what was taken.

A row stands here until its worker has settled the run; what is kept of it is in `runs`. Judges
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from reconciler.base.clock import to_iso
from reconciler.model.lease import Enqueued, Waiting
from reconciler.model.run import RunRecord, RunStatus
from reconciler.store.database import Database
from reconciler.store.many import execute_many
from reconciler.store.moment import moment
from reconciler.store.runs import save_changes
from reconciler.store.schema import queue, runs

_AT_ONCE = 500  # values in one question

# Made once: to put a statement together costs more than to execute it.
_ADD_RUNS, _ADD_PLACES = sa.insert(runs), sa.insert(queue)
_WAITING_OF = (
    sa.select(queue.c.fold, runs.c.record)
    .join(runs, runs.c.id == queue.c.run_id)
    .where(
        queue.c.fold.in_(sa.bindparam("folds", expanding=True)),
        queue.c.worker.is_(None),
        runs.c.cancel_requested.is_(None),
    )
    .order_by(queue.c.position)
    .with_for_update(of=queue)
)


# What a run that waits has of the newest work it is given. `at_once`: nothing is waited for.
_REPLACE = (
    sa.update(queue)
    .where(queue.c.run_id == sa.bindparam("of_run"))
    .values(
        pool=sa.bindparam("to_pool"),
        priority=sa.bindparam("to_priority"),
        series=sa.bindparam("to_series"),
        crowd=sa.bindparam("to_crowd"),
        crowd_cap=sa.bindparam("to_cap"),
        start_after=sa.case(
            (sa.bindparam("at_once", type_=sa.Boolean), None), else_=queue.c.start_after
        ),
    )
)


# ------------------------------------------------------------------- enqueue
def enqueue(connection: Connection, waiting: Waiting) -> Enqueued:
    """Put a run into the queue, in the caller's transaction.

    A waiting run of the same `fold` is given the new work instead, under its own id and place, and
    the pool of the new one; it waits no longer than it would have.
    """
    (found,) = enqueue_all(connection, [waiting])
    return found


def enqueue_all(connection: Connection, everyone: Sequence[Waiting]) -> list[Enqueued]:
    """As `enqueue`, for many: what became of each, in their order."""
    joining = Joining(connection, [item.fold for item in everyone if item.fold is not None])
    found = [joining.put(item) for item in everyone]
    joining.write()
    return found


class Joining:
    """Runs that join the queue in one transaction. `write` is needed at its end.

    `folds` are all that any of them has.
    """

    def __init__(self, connection: Connection, folds: Iterable[str]) -> None:
        self._connection = connection
        self._older = _waiting_of(connection, list(dict.fromkeys(folds)))
        self._fresh: dict[str, Waiting] = {}
        self._changed: dict[str, Waiting] = {}

    def put(self, item: Waiting) -> Enqueued:
        """What becomes of a run; nothing is written yet."""
        known = self._older.get(item.fold) if item.fold is not None else None
        if known is None:
            self._fresh[item.record.id] = item
            if item.fold is not None:
                self._older[item.fold] = item.record
            return Enqueued(item.record.id, folded=False)
        merged = item.record.model_copy(update={"id": known.id, "queued": known.queued})
        if known.id in self._fresh:
            delay = min(self._fresh[known.id].delay, item.delay)
            self._fresh[known.id] = replace(item, record=merged, delay=delay)
        else:
            self._changed[known.id] = replace(item, record=merged)
        return Enqueued(known.id, folded=True)

    def write(self) -> None:
        """Write what was put."""
        for item in self._changed.values():
            save_changes(self._connection, item.record)
        execute_many(self._connection, _REPLACE, [_place_of(one) for one in self._changed.values()])
        if self._fresh:
            _insert(self._connection, list(self._fresh.values()))
        self._fresh, self._changed = {}, {}


def _insert(connection: Connection, fresh: Sequence[Waiting]) -> None:
    now = moment(connection)
    records, places = [], []
    for item in fresh:
        record = item.record
        records.append(
            {
                "id": record.id,
                "task": record.task,
                "status": RunStatus.QUEUED.value,
                "queued": to_iso(record.queued),
                "record": record.model_dump_json(by_alias=True, exclude_defaults=True),
            }
        )
        places.append(
            {
                "run_id": record.id,
                "pool": item.pool,
                "priority": item.priority,
                "series": item.series,
                "fold": item.fold,
                "start_after": now.seconds + item.delay if item.delay else None,
                "clock": now.clock,
                "crowd": item.crowd,
                "crowd_cap": item.crowd_cap,
            }
        )
    execute_many(connection, _ADD_RUNS, records)
    execute_many(connection, _ADD_PLACES, places)


def _place_of(item: Waiting) -> dict[str, object]:
    return {
        "of_run": item.record.id,
        "to_pool": item.pool,
        "to_priority": item.priority,
        "to_series": item.series,
        "to_crowd": item.crowd,
        "to_cap": item.crowd_cap,
        "at_once": not item.delay,
    }


def _waiting_of(connection: Connection, folds: Sequence[str]) -> dict[str, RunRecord]:
    """The waiting run of each fold that has one, locked until the transaction ends."""
    found: dict[str, RunRecord] = {}
    for start in range(0, len(folds), _AT_ONCE):
        asked = {"folds": folds[start : start + _AT_ONCE]}
        for row in connection.execute(_WAITING_OF, asked):
            found[row.fold] = RunRecord.model_validate_json(row.record)
    return found


# ---------------------------------------------------------------------- pools
def move_waiting(database: Database, pools: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Put waiting runs into the pools of their tasks, which `pools` has by address.

    (address, from, to) of those that were elsewhere.
    """
    waits = queue.c.worker.is_(None)
    query = sa.select(runs.c.task, queue.c.pool).join(queue, queue.c.run_id == runs.c.id)
    with database.read() as connection:
        found = connection.execute(query.where(waits).distinct()).all()
    moved = [
        (row.task, row.pool, pools[row.task])
        for row in sorted(found)
        if row.task in pools and pools[row.task] != row.pool
    ]
    if not moved:
        return []
    with database.write() as connection:
        for task, before, after in moved:
            of_task = queue.c.run_id.in_(sa.select(runs.c.id).where(runs.c.task == task))
            change = sa.update(queue).where(waits, queue.c.pool == before, of_task)
            connection.execute(change.values(pool=after))
    return moved


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
