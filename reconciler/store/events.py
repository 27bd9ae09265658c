"""What went around a safety rule: a lock broken, a limit overridden, an apply resumed.

Rows are added and never changed. Who, when, what it was about, and the reason that was given.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from reconciler.base.clock import from_iso, to_iso
from reconciler.base.ids import new_id
from reconciler.store.schema import events

LOCK_BROKEN = "lock-broken"
LIMIT_OVERRIDDEN = "limit-overridden"
PROTECTION_OVERRIDDEN = "protection-overridden"
APPLY_RESUMED = "apply-resumed"


@dataclass(frozen=True, slots=True)
class Event:
    """One row. `subject` says what it was about: a holder, a plan, an apply."""

    at: datetime
    kind: str
    actor: str
    subject: str
    reason: str


def note(connection: Connection, event: Event) -> None:
    """Add an event, in the transaction of what it is about."""
    values = {name: getattr(event, name) for name in Event.__slots__}
    row = {**values, "id": new_id("e-", 12), "at": to_iso(event.at)}
    connection.execute(sa.insert(events), row)


def until(connection: Connection, moment: datetime) -> list[Event]:
    """Every event that was noted until a moment, in no order."""
    rows = (_event(row) for row in connection.execute(sa.select(events)))
    # Not asked of the database: as texts, a whole second comes after its own milliseconds.
    return [event for event in rows if event.at <= moment]


def latest(connection: Connection, kind: str, count: int) -> list[Event]:
    """The latest events of a kind, newest first."""
    query = sa.select(events).where(events.c.kind == kind).order_by(events.c.at.desc()).limit(count)
    return [_event(row) for row in connection.execute(query)]


def _event(row: Row[Any]) -> Event:
    return Event(from_iso(row.at), row.kind, row.actor, row.subject, row.reason)
