"""The lock of a state: one apply at a time, with a holder, a heartbeat and an end.

A lock is taken over when its lease is over, or when its holder was a process of this host that is
gone: a canceled job leaves no lock behind.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from reconciler.base.clock import Clock, from_iso, spell_ago, to_iso
from reconciler.base.errors import Locked, ReconcilerError, StalePlan
from reconciler.store.database import Database
from reconciler.store.prepared import Prepared
from reconciler.store.schema import locks

LEASE = timedelta(seconds=60)
_HEARTBEAT_SECONDS = 15.0
# So long without a heartbeat, and two were missed: the holder is dead, or cut off.
SILENCE = timedelta(seconds=35)
STATE_LOCK = "state"
_OWN = Prepared(sa.select(locks.c.token).where(locks.c.token == sa.bindparam("key")))


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


class LockLost(StalePlan):
    """The lease was over, or a person broke the lock: nothing more may be written."""


@dataclass(frozen=True, slots=True)
class HeldLock:
    """A lock as it stands in the state. `renewed` is the last heartbeat of its holder."""

    name: str
    token: str
    holder: Holder
    acquired: datetime
    renewed: datetime
    expires: datetime


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
            return _OWN.run(connection, key=self._token).first() is not None

    def fence(self, connection: Connection) -> None:
        """Raises LockLost, in the transaction of a write, if somebody took the lock over.

        Whoever slept past its lease between two looks still writes nothing.
        """
        if _OWN.run(connection, key=self._token).first() is None:
            self.lost.set()
            raise LockLost("the lock was lost while applying", hint="make a new plan")

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
    held = next(iter(held_locks(connection)), None)
    if held is None:
        return None
    own = held.holder
    gone = own.host == holder.host and not is_alive(own.pid, own.started)
    if not gone and now < held.expires:
        raise locked_by(held, now)
    connection.execute(sa.delete(locks).where(locks.c.token == held.token))
    return own


def held_locks(connection: Connection) -> list[HeldLock]:
    """The locks that stand in the state, whether their holders live or not."""
    return [_held(row) for row in connection.execute(sa.select(locks).order_by(locks.c.name))]


def remove(connection: Connection, held: HeldLock) -> bool:
    """Take away a lock that was seen; False if it is another one's by now."""
    found = connection.execute(sa.delete(locks).where(locks.c.token == held.token))
    return found.rowcount > 0


def locked_by(held: HeldLock, now: datetime) -> Locked:
    """The error that names a holder."""
    own = held.holder
    return Locked(
        f"the state is locked by {own.name}",
        details=[
            ("holder", f"{own.name}, host {own.host}, pid {own.pid}"),
            ("since", f"{to_iso(held.acquired)} ({spell_ago(held.acquired, now)})"),
            ("purpose", own.purpose),
        ],
        hint="wait until it is done; a lock whose holder died ends by itself within a minute",
    )


def _held(row: Row[Any]) -> HeldLock:
    expires = from_iso(row.expires_at)
    # A heartbeat sets the end to one lease from then.
    return HeldLock(
        row.name,
        row.token,
        Holder(row.holder, row.host, row.pid, row.process_started, row.purpose),
        from_iso(row.acquired_at),
        expires - LEASE,
        expires,
    )
