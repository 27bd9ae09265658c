"""Takes runs from the queue for a worker: highest priority, then oldest, as many as may be done.

Judges nothing but order: who may start is decided by pool, priority, series, crowd and age alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.engine import Connection, Row

from reconciler.base.clock import Clock
from reconciler.base.text import plural
from reconciler.model.lease import Lease
from reconciler.model.run import Reason, RunRecord, RunStatus
from reconciler.store.database import Database
from reconciler.store.leases import WORKER_LOSS
from reconciler.store.moment import Moment, moment
from reconciler.store.runs import closed_by_loss, save_changes
from reconciler.store.schema import queue, runs

# A run is not begun again when its losses (store/leases) weigh so much.
LARGEST_LOSS = 30
# Two workers that count the runs of a pool at the same time would both see room.
_CLAIMING = 0x7265636F  # a lock's number on PostgreSQL; on SQLite writers wait for each other


@dataclass(frozen=True, slots=True)
class Claimed:
    """A lease and the run it is for, as it was stored."""

    lease: Lease
    record: RunRecord


@dataclass(frozen=True, slots=True)
class Room:
    """How many runs of a pool may be done at once by all workers, and how many this one can take.

    `cap` None: no limit.
    """

    free: int
    cap: int | None = None


def claim(
    database: Database, worker: str, rooms: Mapping[str, Room], lease_seconds: float, clock: Clock
) -> list[Claimed]:
    """Take runs that may start: highest priority, then oldest, as many as there is room for.

    A run whose lease is over is taken over with a higher fence; one that was lost too often (three
    times by its program, or thirty times with its worker), that somebody canceled, or whose record
    is damaged, is closed. Of one series only one is done at a time.
    """
    with database.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_CLAIMING)))
        now = moment(connection)
        # Their workers were lost between the end of a run and its settling.
        connection.execute(sa.delete(queue).where(queue.c.ended == 1, _over(now)))
        busy = _busy(connection, now)
        found: list[Claimed] = []
        for pool, room in rooms.items():
            rows = _free(connection, pool, busy.left(pool, room), busy, now)
            for row in rows:
                claimed = _claimed(connection, row, worker)
                if claimed is not None:
                    found.append(claimed)
                else:
                    _finish(connection, _unread(row, clock))
        for one in found:
            _lend(connection, one.lease, now, lease_seconds)
        return [one for one in found if not _closed(connection, one, clock)]


@dataclass(slots=True)
class _Busy:
    """Runs with a valid lease: how many of each pool and crowd, and of which series."""

    pools: dict[str, int]
    series: set[str]
    crowds: dict[str, int]
    full: set[str]  # crowds of which no more may begin

    def add(self, row: Any) -> None:
        """Count a run for its series and its crowd."""
        if row.series is not None:
            self.series.add(row.series)
        if row.crowd is not None:
            self.crowds[row.crowd] = self.crowds.get(row.crowd, 0) + 1
            if row.crowd_cap is not None and self.crowds[row.crowd] >= row.crowd_cap:
                self.full.add(row.crowd)

    def left(self, pool: str, room: Room) -> int:
        """How many more runs of a pool may begin."""
        below = room.free if room.cap is None else room.cap - self.pools.get(pool, 0)
        return min(room.free, below)


def _over(now: Moment) -> sa.ColumnElement[bool]:
    """A lease that is over, or of another start of the machine."""
    return sa.and_(
        queue.c.worker.is_not(None),
        sa.or_(queue.c.clock != now.clock, queue.c.lease_until <= now.seconds),
    )


def _busy(connection: Connection, now: Moment) -> _Busy:
    found = _Busy({}, set(), {}, set())
    columns = (queue.c.pool, queue.c.series, queue.c.crowd, queue.c.crowd_cap)
    held = sa.select(*columns).where(
        queue.c.worker.is_not(None), queue.c.ended == 0, sa.not_(_over(now))
    )
    for row in connection.execute(held):
        found.pools[row.pool] = found.pools.get(row.pool, 0) + 1
        found.add(row)
    return found


def _free(connection: Connection, pool: str, left: int, busy: _Busy, now: Moment) -> list[Row[Any]]:
    """Up to `left` rows of a pool that may start, locked; they are counted as busy."""
    found: list[Row[Any]] = []
    while len(found) < left:
        taken = [row.run_id for row in found]
        row: Row[Any] | None = connection.execute(_next(pool, busy, taken, now)).first()
        if row is None:
            break
        found.append(row)
        busy.add(row)
    return found


def _claimed(connection: Connection, row: Row[Any], worker: str) -> Claimed | None:
    """A row with its run; None if the run is not there, or its record is damaged."""
    # Read when the row is locked: until then a newer event may fold its work into this run.
    stored = connection.execute(sa.select(runs.c.record).where(runs.c.id == row.run_id))
    lease = Lease(row.run_id, worker, row.fence + 1, row.pool)
    try:
        return Claimed(lease, RunRecord.model_validate_json(stored.scalar_one_or_none() or ""))
    except ValidationError:
        return None


def _unread(row: Row[Any], clock: Clock) -> RunRecord:
    """What is left to say of a run whose record is damaged: it shall not stop those behind it."""
    return RunRecord(
        id=row.run_id,
        actor="unknown",
        status=RunStatus.FAILED,
        reason=Reason.LOST,
        message="its record in the state was damaged, so nobody knows what it was to do",
        queued=clock(),
        finished=clock(),
    )


def _next(pool: str, busy: _Busy, taken: list[str], now: Moment) -> sa.Select[Any]:
    may_start = sa.or_(
        queue.c.start_after.is_(None),
        queue.c.clock != now.clock,  # it waited while the machine was off
        queue.c.start_after <= now.seconds,
    )
    free = sa.or_(sa.and_(queue.c.worker.is_(None), may_start), _over(now))
    alone = sa.or_(queue.c.series.is_(None), queue.c.series.not_in(busy.series))
    uncrowded = sa.or_(queue.c.crowd.is_(None), queue.c.crowd.not_in(busy.full))
    return (
        sa.select(queue)
        .where(queue.c.pool == pool, free, alone, uncrowded, queue.c.run_id.not_in(taken))
        .order_by(queue.c.priority.desc(), queue.c.position)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def _lend(connection: Connection, lease: Lease, now: Moment, lease_seconds: float) -> None:
    change = (
        sa.update(queue)
        .where(queue.c.run_id == lease.run_id)
        .values(
            worker=lease.worker,
            fence=lease.fence,
            losses=queue.c.losses + WORKER_LOSS,  # until it is settled
            lease_until=now.seconds + lease_seconds,
            clock=now.clock,
        )
    )
    connection.execute(change)


def _closed(connection: Connection, claimed: Claimed, clock: Clock) -> bool:
    """True if a run that was taken shall not be done: lost too often, or canceled meanwhile."""
    asked = (
        sa.select(runs.c.cancel_requested, queue.c.losses)
        .join(queue, queue.c.run_id == runs.c.id)
        .where(runs.c.id == claimed.lease.run_id)
    )
    row = connection.execute(asked).one()
    if row.cancel_requested is not None:
        _finish(connection, _canceled(claimed.record, row.cancel_requested, clock))
    elif row.losses - WORKER_LOSS >= LARGEST_LOSS:
        message = (
            f"it was lost {plural(claimed.lease.fence - 1, 'time')}: its program or its worker"
        )
        _finish(connection, closed_by_loss(claimed.record, message, clock()))
    else:
        return False
    return True


def _canceled(record: RunRecord, actor: str, clock: Clock) -> RunRecord:
    message = f"canceled by {actor} before it started"
    end = {"status": RunStatus.CANCELED, "reason": Reason.CANCELED, "message": message}
    return record.model_copy(update={**end, "finished": clock()})


def _finish(connection: Connection, record: RunRecord) -> None:
    """End a run that no worker does."""
    save_changes(connection, record)
    connection.execute(sa.delete(queue).where(queue.c.run_id == record.id))


def cancel_waiting(database: Database, run_id: str, actor: str, clock: Clock) -> bool:
    """End a run that no worker has. False if it is none of the queue, or a worker has it."""
    with database.write() as connection:
        waits = sa.select(queue.c.run_id).where(queue.c.run_id == run_id, queue.c.worker.is_(None))
        if connection.execute(waits.with_for_update()).first() is None:
            return False
        stored = connection.execute(sa.select(runs.c.record).where(runs.c.id == run_id))
        record = RunRecord.model_validate_json(stored.scalar_one())
        _finish(connection, _canceled(record, actor, clock))
        return True
