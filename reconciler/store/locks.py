"""The lock of a state: one apply at a time, with a holder, a heartbeat and an end.

A lock is taken over when its lease is over, or when its holder was a process of this host that is
gone: a canceled job leaves no lock behind.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from reconciler.base.clock import Clock, from_iso, spell_ago, to_iso
from reconciler.base.errors import Locked, ReconcilerError
from reconciler.store.database import Database
from reconciler.store.schema import locks

LEASE = timedelta(seconds=60)
_HEARTBEAT_SECONDS = 15.0
STATE_LOCK = "state"
_OWN = sa.select(locks.c.token).where(locks.c.token == sa.bindparam("key"))


@dataclass(frozen=True, slots=True)
class Holder:
    """Who wants or holds a lock. `started` tells a process from a later one of the same number."""

    name: str
    host: str
    pid: int
    started: str
    purpose: str

    def __str__(self) -> str:
        return f"{self.name} (host {self.host}, pid {self.pid}) for {self.purpose}"


class StateLock:
    """A lock that is held; renewed by a thread until `release`."""

    def __init__(self, database: Database, token: str, clock: Clock) -> None:
        self._database, self._token, self._clock = database, token, clock
        self._stop = threading.Event()
        self.lost = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="state-lock", daemon=True)
        self._thread.start()

    def is_held(self) -> bool:
        """True if nobody took it over. Asks the state: a process may have slept past its lease."""
        if self.lost.is_set():
            return False
        with self._database.read() as connection:
            return connection.execute(_OWN, {"key": self._token}).first() is not None

    def release(self) -> None:
        """Give the lock back. Never raises: an unreleased lock ends by itself."""
        self._stop.set()
        self._thread.join(timeout=5)
        try:
            with self._database.write() as connection:
                connection.execute(sa.delete(locks).where(locks.c.token == self._token))
        except ReconcilerError:
            pass

    def _renew(self) -> None:
        while not self._stop.wait(_HEARTBEAT_SECONDS):
            try:
                with self._database.write() as connection:
                    change = sa.update(locks).where(locks.c.token == self._token)
                    until = to_iso(self._clock() + LEASE)
                    if connection.execute(change.values(expires_at=until)).rowcount == 0:
                        self.lost.set()
                        return
            except ReconcilerError:
                continue  # the lease is longer than one missed heartbeat


def acquire(
    database: Database,
    holder: Holder,
    token: str,
    clock: Clock,
    is_alive: Callable[[int, str], bool],
) -> tuple[StateLock, Holder | None]:
    """Take the lock. Also returns the dead or expired holder it was taken from, if any.

    `is_alive(pid, started)` is asked about processes of this host. Raises Locked, naming the
    holder.
    """
    with database.write() as connection:
        former = _make_room(connection, holder, clock(), is_alive)
        connection.execute(
            sa.insert(locks).values(
                name=STATE_LOCK,
                token=token,
                holder=holder.name,
                host=holder.host,
                pid=holder.pid,
                process_started=holder.started,
                purpose=holder.purpose,
                acquired_at=to_iso(clock()),
                expires_at=to_iso(clock() + LEASE),
            )
        )
    return StateLock(database, token, clock), former


def _make_room(
    connection: Connection,
    holder: Holder,
    now: datetime,
    is_alive: Callable[[int, str], bool],
) -> Holder | None:
    row = connection.execute(sa.select(locks).where(locks.c.name == STATE_LOCK)).first()
    if row is None:
        return None
    held = Holder(row.holder, row.host, row.pid, row.process_started, row.purpose)
    gone = held.host == holder.host and not is_alive(held.pid, held.started)
    if not gone and now < from_iso(row.expires_at):
        raise _locked(held, row, now)
    connection.execute(sa.delete(locks).where(locks.c.token == row.token))
    return held


def _locked(held: Holder, row: Row[tuple[object, ...]], now: datetime) -> Locked:
    since = from_iso(row.acquired_at)
    return Locked(
        f"the state is locked by {held.name}",
        details=[
            ("holder", f"{held.name}, host {held.host}, pid {held.pid}"),
            ("since", f"{to_iso(since)} ({spell_ago(since, now)})"),
            ("purpose", held.purpose),
        ],
        hint="wait until it is done; a lock whose holder died ends by itself within a minute",
    )
