"""`lock list` and `lock break`: who holds the state, and taking the lock from one who is gone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconciler.adapters.processes.alive import is_alive, this_process
from reconciler.base.clock import spell_ago
from reconciler.base.errors import Locked, WrongUsage
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.overrides import plain_reason
from reconciler.store import events
from reconciler.store.locks import SILENCE, HeldLock, held_locks, locked_by, remove

_SHOWN = 10


class Life(StrEnum):
    """What is known of a holder.

    ALIVE: its process runs on this host, or another host renewed the lease lately. SILENT: another
    host, and two heartbeats were missed. DEAD: its process is gone from this host. EXPIRED: the
    lease is over.
    """

    ALIVE = "alive"
    SILENT = "silent"
    DEAD = "dead"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class LockRow:
    """A lock and what is known of its holder."""

    held: HeldLock
    life: Life


@dataclass(frozen=True, slots=True)
class Locks:
    """All locks, and the latest that were broken by a person (newest first)."""

    rows: tuple[LockRow, ...]
    broken: tuple[events.Event, ...]


def list_locks(opened: OpenWorkspace) -> Locks:
    """The locks of the state. Changes nothing."""
    with opened.database.read() as connection:
        found = held_locks(connection)
        broken = events.latest(connection, events.LOCK_BROKEN, _SHOWN)
    return Locks(tuple(LockRow(held, _life(opened, held)) for held in found), tuple(broken))


def break_lock(opened: OpenWorkspace, reason: str, *, force: bool = False) -> LockRow | None:
    """Take the lock away and note who did it and why; None if there is none.

    Raises WrongUsage without a reason, and Locked if the holder lives and `force` is not given.
    """
    reason = plain_reason(reason)
    if not reason:
        raise WrongUsage("a lock is broken for a reason", hint='say it: --reason "TEXT"')
    with opened.database.write() as connection:
        held = next(iter(held_locks(connection)), None)
        if held is None:
            return None
        row = LockRow(held, _life(opened, held))
        if row.life is Life.ALIVE and not force:
            raise _lives(opened, held)
        remove(connection, held)
        event = events.Event(
            opened.clock(), events.LOCK_BROKEN, opened.actor, str(held.holder), reason
        )
        events.note(connection, event)
        return row


def _life(opened: OpenWorkspace, held: HeldLock) -> Life:
    now, own = opened.clock(), held.holder
    if own.host == this_process().host:
        return Life.ALIVE if is_alive(own.pid, own.started) else Life.DEAD
    if now >= held.expires:
        return Life.EXPIRED
    return Life.SILENT if now - held.renewed > SILENCE else Life.ALIVE


def _lives(opened: OpenWorkspace, held: HeldLock) -> Locked:
    now = opened.clock()
    told = locked_by(held, now)
    return Locked(
        f"the holder of the lock is alive: {held.holder.name}",
        details=[*told.details, ("renewed", spell_ago(held.renewed, now))],
        hint="stop that process; --force breaks the lock all the same, and it then stops before "
        "its next write",
    )
