"""The lease of a worker on a run, and the fence that keeps a late worker out. Judges nothing.

Every write of a run that a worker has compares the fence in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from reconciler.base.errors import ReconcilerError
from reconciler.model.lease import Lease, Settled
from reconciler.model.run import RunRecord
from reconciler.store.database import Database
from reconciler.store.moment import moment
from reconciler.store.runs import save_changes
from reconciler.store.schema import queue, runs

# What a loss of a run weighs. A program that died while its worker lived is likely to do so again;
# a worker that was lost has many runs, most of which are not to blame, or were not even begun.
WORKER_LOSS, PROGRAM_LOSS = 1, 10


class LeaseLost(ReconcilerError):
    """Another worker has the run, or nobody should: nothing of it may be written any more."""

    code = "lease-lost"


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


def settle(database: Database, lease: Lease, loss: int = PROGRAM_LOSS) -> Settled:
    """The work of a lease is over, however that came.

    A run that has not ended waits again in its old place. `loss`: what that weighs, 0 for work that
    was not begun, or that a worker ended on purpose.
    """
    back = (
        sa.update(queue)
        .where(_held(lease), queue.c.ended == 0)
        .values(worker=None, lease_until=None, losses=queue.c.losses - WORKER_LOSS + loss)
    )
    with database.write() as connection:
        if connection.execute(back).rowcount == 1:
            return Settled.WAITING
        gone = connection.execute(sa.delete(queue).where(_held(lease))).rowcount
        return Settled.ENDED if gone == 1 else Settled.TAKEN


def _held(lease: Lease) -> sa.ColumnElement[bool]:
    return sa.and_(
        queue.c.run_id == lease.run_id,
        queue.c.fence == lease.fence,
        queue.c.worker == lease.worker,
    )
