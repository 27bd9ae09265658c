"""Runs that wait for a worker of a pool that nobody serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.model.run import RunRecord, RunStatus

if TYPE_CHECKING:
    from reconciler.operations.running.run_place import RunPlace

# A worker says all ten seconds that it is there.
SERVED_SECONDS = 10.0
_GONE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Unserved:
    """A pool without a worker. `since`: when one was last there, None: never; `runs` that wait."""

    pool: str
    since: datetime | None
    runs: tuple[str, ...] = ()


def is_served(pool: str, served: Mapping[str, datetime], now: datetime) -> bool:
    """True if a worker of a pool was there within a minute."""
    return pool in served and now - served[pool] < _GONE


def unserved_of(place: RunPlace, records: Sequence[RunRecord]) -> list[Unserved]:
    """The pools that some of these runs wait for and that nobody serves. Raises StateUnusable."""
    from reconciler.store.pools import served_at, waiting_pools  # noqa: PLC0415  (late)

    ids = [record.id for record in records if record.status is RunStatus.QUEUED]
    if not ids:
        return []
    with place.database.read() as connection:
        waiting, served = waiting_pools(connection, ids), served_at(connection)
    now = place.clock()
    return [
        Unserved(pool, served.get(pool), tuple(run for run in ids if waiting.get(run) == pool))
        for pool in dict.fromkeys(waiting.values())
        if not is_served(pool, served, now)
    ]
