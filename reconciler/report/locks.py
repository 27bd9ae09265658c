"""Locks as lines for people and as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from reconciler import __version__
from reconciler.base.clock import spell_ago, to_iso
from reconciler.base.text import harmless, wrap
from reconciler.operations.applying.locks import LockRow, Locks
from reconciler.report.human import labelled
from reconciler.report.machine import FORMAT_VERSION
from reconciler.store.events import Event


def locks_lines(locks: Locks, now: datetime, width: int) -> list[str]:
    """The whole output of `lock list`."""
    lines = [line for row in locks.rows for line in _row_lines(row, now, width)]
    broken = [line for event in locks.broken for line in _broken_lines(event, now, width)]
    return [*(lines or ["no lock: nobody is applying"]), *broken]


def _row_lines(row: LockRow, now: datetime, width: int) -> list[str]:
    held, own = row.held, row.held.holder
    facts = (
        ("purpose", own.purpose),
        ("host", f"{own.host}, pid {own.pid}"),
        ("since", f"{to_iso(held.acquired)} ({spell_ago(held.acquired, now)})"),
        ("renewed", f"{to_iso(held.renewed)} ({spell_ago(held.renewed, now)})"),
        ("expires", to_iso(held.expires)),
    )
    head = wrap(harmless(f"{held.name}  held by {own.name}, {row.life.value}"), width, "  ")
    return [*head, *(line for name, text in facts for line in labelled(name, text, width))]


def _broken_lines(event: Event, now: datetime, width: int) -> list[str]:
    text = (
        f"broken {spell_ago(event.at, now)} by {event.actor}: {event.reason} (held by "
        f"{event.subject})"
    )
    return wrap(harmless(text), width, "  ")


def break_lines(row: LockRow | None, width: int) -> list[str]:
    """The whole output of `lock break`."""
    if row is None:
        return ["no lock: nothing to break"]
    text = f"broke the lock of {row.held.holder} ({row.life.value}); noted with your reason"
    return wrap(harmless(text), width, "  ")


def locks_json(locks: Locks) -> dict[str, Any]:
    """The output of `lock list -o json`. Times are UTC, ISO 8601."""
    return {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "locks": [_row_json(row) for row in locks.rows],
        "broken": [_event_json(event) for event in locks.broken],
    }


def _row_json(row: LockRow) -> dict[str, Any]:
    held, own = row.held, row.held.holder
    return {
        "name": held.name,
        "holder": own.name,
        "host": own.host,
        "pid": own.pid,
        "purpose": own.purpose,
        "life": row.life.value,
        "acquired": to_iso(held.acquired),
        "renewed": to_iso(held.renewed),
        "expires": to_iso(held.expires),
    }


def _event_json(event: Event) -> dict[str, Any]:
    return {
        "at": to_iso(event.at),
        "by": event.actor,
        "holder": event.subject,
        "reason": event.reason,
    }
