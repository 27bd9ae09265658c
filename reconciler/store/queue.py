"""The queue of runs: who waits, who has a lease, and the fence that keeps a late worker out.

A row stands here until its worker has settled the run; what is kept of it is in `runs`. Every
write of a run that a worker has compares the fence in the same transaction. Judges nothing but
order: who may start is decided by pool, priority, series and age alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from reconciler.base.clock import Clock, to_iso
from reconciler.base.errors import ReconcilerError
from reconciler.base.text import plural
from reconciler.model.lease import Enqueued, Lease, Waiting
from reconciler.model.run import Reason, RunRecord, RunStatus
from reconciler.store.database import Database
from reconciler.store.moment import Moment, moment
from reconciler.store.runs import closed_by_loss, save_changes
from reconciler.store.schema import queue, runs

# A run is not begun again when its losses weigh so much. A program that died while its worker lived
# is likely to do so again; a worker that was lost has many runs, and most are not to blame.
LARGEST_LOSS, WORKER_LOSS, PROGRAM_LOSS = 9, 1, 3
_AT_ONCE = 500  # values in one question
# Two workers that count the runs of a pool at the same time would both see room.
_CLAIMING = 0x7265636F  # a lock's number on PostgreSQL; on SQLite writers wait for each other


class LeaseLost(ReconcilerError):
    """Another worker has the run, or nobody should: nothing of it may be written any more."""

    code = "lease-lost"


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


# --------------------------------------------------------------------- claim
def claim(
    database: Database, worker: str, rooms: Mapping[str, Room], lease_seconds: float, clock: Clock
) -> list[Claimed]:
    """Take runs that may start: highest priority, then oldest, as many as there is room for.

    A run whose lease is over is taken over with a higher fence; one that was lost too often (three
    times by its program, or nine times with its worker), or that somebody canceled, is closed. Of
    one series only one is done at a time.
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
            found += [_claimed(connection, row, worker) for row in rows]
        for claimed in found:
            _lend(connection, claimed.lease, now, lease_seconds)
        return [claimed for claimed in found if not _closed(connection, claimed, clock)]


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


def _claimed(connection: Connection, row: Row[Any], worker: str) -> Claimed:
    # Read when the row is locked: until then a newer event may fold its work into this run.
    stored = connection.execute(sa.select(runs.c.record).where(runs.c.id == row.run_id))
    lease = Lease(row.run_id, worker, row.fence + 1, row.pool)
    return Claimed(lease, RunRecord.model_validate_json(stored.scalar_one()))


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


# --------------------------------------------------------------------- lease
def renew(
    database: Database, leases: Iterable[Lease], lease_seconds: float
) -> dict[str, str | None]:
    """Extend leases; for each that still holds, who wants the run to stop (None: nobody).

    A lease that is not in the answer is lost: its work has to end. Raises StateUnusable.
    """
    held: dict[str, str | None] = {}
    with database.write() as connection:
        now = moment(connection)
        for lease in leases:
            change = (
                sa.update(queue)
                .where(_held(lease))
                .values(lease_until=now.seconds + lease_seconds, clock=now.clock)
            )
            if connection.execute(change).rowcount == 1:
                query = sa.select(runs.c.cancel_requested).where(runs.c.id == lease.run_id)
                held[lease.run_id] = connection.execute(query).scalar_one()
    return held


def save(
    database: Database,
    lease: Lease,
    record: RunRecord,
    beside: Callable[[Connection, RunRecord], None] = lambda _connection, _record: None,
) -> None:
    """Store a state of a run. Raises LeaseLost, and then nothing was written.

    A lease that is over and that nobody took still may write: the fence tells, not the time.
    `beside` writes more in the same commit.
    """
    with database.write() as connection:
        check_lease(connection, lease)
        save_changes(connection, record)
        if record.status.final:
            connection.execute(sa.update(queue).where(_held(lease)).values(ended=1))
        beside(connection, record)


def lease_of(database: Database, run_id: str, worker: str, fence: int) -> Lease:
    """The lease of a run, if that worker has it with that fence. Raises LeaseLost."""
    query = sa.select(queue).where(
        queue.c.run_id == run_id, queue.c.worker == worker, queue.c.fence == fence
    )
    with database.read() as connection:
        row = connection.execute(query).first()
    if row is None:
        raise LeaseLost(f"run {run_id} was taken over from {worker}")
    return Lease(run_id, worker, fence, row.pool)


def check_lease(connection: Connection, lease: Lease) -> None:
    """Raises LeaseLost, in the transaction of a write, if the run is another one's by now."""
    locked = sa.select(queue.c.fence).where(_held(lease), queue.c.ended == 0).with_for_update()
    if connection.execute(locked).first() is None:
        raise LeaseLost(f"run {lease.run_id} was taken over from {lease.worker}")


def settle(database: Database, lease: Lease, loss: int = PROGRAM_LOSS) -> bool:
    """The work of a lease is over, however that came. True if its run has ended, or is another's.

    False if it has not: then it waits again in its old place. `loss`: what that weighs, 0 for work
    that was not begun, or that a worker ended on purpose.
    """
    back = (
        sa.update(queue)
        .where(_held(lease), queue.c.ended == 0)
        .values(worker=None, lease_until=None, losses=queue.c.losses - WORKER_LOSS + loss)
    )
    with database.write() as connection:
        if connection.execute(back).rowcount == 1:
            return False
        connection.execute(sa.delete(queue).where(_held(lease)))
        return True


def _held(lease: Lease) -> sa.ColumnElement[bool]:
    return sa.and_(
        queue.c.run_id == lease.run_id,
        queue.c.fence == lease.fence,
        queue.c.worker == lease.worker,
    )


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
