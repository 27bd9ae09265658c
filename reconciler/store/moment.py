"""The clock of leases: one that no person sets. Seconds, and whose they are.

On SQLite all processes are on one machine, and count from its start; another start of the machine
is another clock. On PostgreSQL it is the server's clock, the same for all workers.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_SERVER = "server"


@dataclass(frozen=True, slots=True)
class Moment:
    """A reading: `seconds` can be compared between readings of the same `clock`."""

    seconds: float
    clock: str


def moment(connection: Connection) -> Moment:
    """Now. Time that the machine sleeps counts."""
    if connection.dialect.name == "postgresql":
        query = sa.select(sa.func.extract("epoch", sa.func.clock_timestamp()))
        return Moment(float(connection.execute(query).scalar_one()), _SERVER)
    return Moment(time.clock_gettime(time.CLOCK_BOOTTIME), _boot_id())


@cache
def _boot_id() -> str:
    return _BOOT_ID.read_text(encoding="ascii").strip()
