"""The journal of applies: every write is noted before it is done and settled after it."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from reconciler.base.clock import from_iso, to_iso
from reconciler.store.prepared import Prepared
from reconciler.store.schema import applies, journal

# Built once: building a statement costs more than running it.
_SETTLE = Prepared(
    sa.update(journal)
    .where(
        (journal.c.apply_id == sa.bindparam("apply")) & (journal.c.position == sa.bindparam("at"))
    )
    .values({name: sa.bindparam(name) for name in ("state", "settled_at", "detail")})
)
# Rows that are noted with one statement: those of a large plan are not held all at once.
_AT_ONCE = 1_000
INTENDED, DONE, RECOVERED, NOT_DONE = "intended", "done", "recovered", "not-done"


@dataclass(frozen=True, slots=True)
class ApplyRow:
    """One apply. `outcome` is None while it runs, or after it was killed.

    `plan` is the JSON of its plan without the changes, which are the writes of the journal.
    """

    id: str
    plan_id: str
    plan_digest: str
    actor: str
    host: str
    started: datetime
    total: int
    outcome: str | None = None
    plan: str | None = None


@dataclass(frozen=True, slots=True)
class WriteRow:
    """One write of an apply. `change` is the JSON of the plan's change."""

    apply_id: str
    position: int
    address: str
    previous_address: str | None
    action: str
    state: str
    before_hash: str | None
    after_hash: str | None
    change: str


def drift_left_by(connection: Connection, apply_id: str, address: str) -> str | None:
    """The JSON of an apply's change of a task, if that left drift alone."""
    asked = sa.select(journal.c.change).where(
        (journal.c.apply_id == apply_id)
        & (journal.c.address == address)
        & journal.c.change.contains('"drift_left":[{')
    )
    found: str | None = connection.execute(asked).scalar()
    return found


def plans_of(connection: Connection, apply_ids: Collection[str]) -> dict[str, str]:
    """The plans of some applies, without their changes, by apply; those that were not kept lack."""
    asked = sa.select(applies.c.id, applies.c.plan).where(applies.c.id.in_(apply_ids))
    return {row.id: row.plan for row in connection.execute(asked) if row.plan is not None}


def begin(connection: Connection, row: ApplyRow) -> None:
    """Note that an apply starts. The lock is held: no other number is given meanwhile."""
    highest = connection.execute(sa.select(sa.func.max(applies.c.number))).scalar_one()
    connection.execute(
        sa.insert(applies).values(
            id=row.id,
            plan_id=row.plan_id,
            plan_digest=row.plan_digest,
            actor=row.actor,
            host=row.host,
            started_at=to_iso(row.started),
            total=row.total,
            plan=row.plan,
            number=(highest or 0) + 1,
        )
    )


def intend(connection: Connection, rows: Iterable[WriteRow], now: datetime) -> None:
    """Note writes before they are done."""
    names, rest, intended_at = WriteRow.__slots__, iter(rows), to_iso(now)
    while batch := list(itertools.islice(rest, _AT_ONCE)):
        values = [
            {**{name: getattr(row, name) for name in names}, "intended_at": intended_at}
            for row in batch
        ]
        connection.execute(sa.insert(journal), values)


def settle(
    connection: Connection,
    apply_id: str,
    position: int,
    state: str,
    *,
    now: datetime,
    detail: str | None = None,
) -> None:
    """Note how a write ended."""
    _SETTLE.run(
        connection,
        apply=apply_id,
        at=position,
        state=state,
        settled_at=to_iso(now),
        detail=detail,
    )


def give_up(connection: Connection, apply_id: str, now: datetime) -> None:
    """Note that all writes that are still intended were not done."""
    found = (journal.c.apply_id == apply_id) & (journal.c.state == INTENDED)
    values = {"state": NOT_DONE, "settled_at": to_iso(now)}
    connection.execute(sa.update(journal).where(found).values(**values))


def finish(connection: Connection, apply_id: str, outcome: str, now: datetime) -> None:
    """Note how an apply ended: done, partial, refused or interrupted."""
    values = {"outcome": outcome, "finished_at": to_iso(now)}
    connection.execute(sa.update(applies).where(applies.c.id == apply_id).values(**values))


def unfinished(connection: Connection) -> list[ApplyRow]:
    """Applies that started and did not end, oldest first."""
    query = sa.select(applies).where(applies.c.outcome.is_(None)).order_by(applies.c.started_at)
    return [_apply_row(row) for row in connection.execute(query)]


def latest(connection: Connection) -> ApplyRow | None:
    """The apply that started last."""
    order = (sa.func.coalesce(applies.c.number, 0).desc(), applies.c.started_at.desc())
    query = sa.select(applies).order_by(*order).limit(1)
    row = connection.execute(query).first()
    return None if row is None else _apply_row(row)


def find(connection: Connection, apply_id: str) -> ApplyRow | None:
    """The apply with a name."""
    row = connection.execute(sa.select(applies).where(applies.c.id == apply_id)).first()
    return None if row is None else _apply_row(row)


def reopen(connection: Connection, apply_id: str) -> None:
    """An apply goes on: its outcome is open again, and what was not done is intended again."""
    one = sa.update(applies).where(applies.c.id == apply_id)
    connection.execute(one.values(outcome=None, finished_at=None))
    found = (journal.c.apply_id == apply_id) & (journal.c.state == NOT_DONE)
    values = {"state": INTENDED, "settled_at": None, "detail": None}
    connection.execute(sa.update(journal).where(found).values(**values))


def _apply_row(row: Row[Any]) -> ApplyRow:
    return ApplyRow(
        row.id,
        row.plan_id,
        row.plan_digest,
        row.actor,
        row.host,
        from_iso(row.started_at),
        row.total,
        row.outcome,
        row.plan,
    )


def writes_of(connection: Connection, apply_id: str) -> list[WriteRow]:
    """The writes of an apply, in order."""
    query = sa.select(journal).where(journal.c.apply_id == apply_id).order_by(journal.c.position)
    return [
        WriteRow(*(getattr(row, name) for name in WriteRow.__slots__))
        for row in connection.execute(query)
    ]
