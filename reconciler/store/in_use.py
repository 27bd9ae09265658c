"""Who works with a state of an earlier version, as far as the state itself tells.

For states without a file that can be held alone (PostgreSQL).
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from reconciler.base.clock import to_iso
from reconciler.store.moment import moment
from reconciler.store.schema import locks, pools, queue

# From these versions on there is something to ask.
_QUEUE, _POOLS = 5, 9
# A worker says every ten seconds that it is there.
_GONE = timedelta(seconds=60)


def who_works(connection: Connection, version: int, now: datetime) -> str | None:
    """Who of a state of some version works with it: an apply, a run, a worker. None: nobody.

    Whoever was killed counts until his lease is over: a minute.
    """
    held = sa.select(locks.c.purpose, locks.c.host).where(locks.c.expires_at > to_iso(now))
    for row in connection.execute(held):
        return f"{row.purpose} on {row.host}"
    if version >= _QUEUE:
        at = moment(connection)
        lent = sa.and_(queue.c.clock == at.clock, queue.c.lease_until > at.seconds)
        leased = sa.select(queue.c.run_id, queue.c.worker).where(queue.c.worker.is_not(None), lent)
        for row in connection.execute(leased):
            return f"run {row.run_id} by {row.worker}"
    if version >= _POOLS:
        since = pools.c.served > to_iso(now - _GONE)
        for row in connection.execute(sa.select(pools).where(since).order_by(pools.c.name)):
            return f"a worker of the pool {row.name} at {row.served}"
    return None
