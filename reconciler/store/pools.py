"""Pools that workers serve, and when one last did; the pools that waiting runs are in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from reconciler.base.clock import from_iso, to_iso
from reconciler.store.schema import pools, queue

_AT_ONCE = 500  # values in one question


def note_served(connection: Connection, names: Iterable[str], now: datetime) -> None:
    """A worker is there for some pools."""
    for name in names:
        change = sa.update(pools).where(pools.c.name == name).values(served=to_iso(now))
        if connection.execute(change).rowcount == 0:
            connection.execute(sa.insert(pools).values(name=name, served=to_iso(now)))


def served_at(connection: Connection) -> dict[str, datetime]:
    """When each pool was served last; one that never was is missing."""
    return {row.name: from_iso(row.served) for row in connection.execute(sa.select(pools))}


def waiting_pools(connection: Connection, run_ids: Sequence[str]) -> dict[str, str]:
    """The pool of each of some runs that waits for a worker."""
    found: dict[str, str] = {}
    for start in range(0, len(run_ids), _AT_ONCE):
        some = queue.c.run_id.in_(run_ids[start : start + _AT_ONCE])
        query = sa.select(queue.c.run_id, queue.c.pool).where(some, queue.c.worker.is_(None))
        found |= {row.run_id: row.pool for row in connection.execute(query)}
    return found
