"""What is live in the embedded provider, and what was last applied: two tables, never mixed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from reconciler.base.canonical import digest_text
from reconciler.base.clock import from_iso, to_iso
from reconciler.base.errors import StateUnusable
from reconciler.base.text import one_line
from reconciler.store.prepared import Prepared, upsert
from reconciler.store.schema import applied_tasks, live_tasks, meta


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A stored task: canonical JSON, and who stored it when."""

    address: str
    document: str
    changed_by: str
    changed_at: datetime
    file: str | None = None
    commit: str | None = None
    apply_id: str | None = None


# Built once: building a statement costs more than running it.
_KEY: sa.BindParameter[str] = sa.bindparam("key")
_ALL_LIVE = sa.select(live_tasks).order_by(live_tasks.c.address)
_ONE_LIVE = Prepared(sa.select(live_tasks).where(live_tasks.c.address == _KEY))
_LIVE_TEXTS = sa.select(live_tasks.c.address, live_tasks.c.document)
_ALL_APPLIED = sa.select(applied_tasks)
_ONE_APPLIED = Prepared(sa.select(applied_tasks).where(applied_tasks.c.address == _KEY))
_APPLIED_TEXTS = sa.select(applied_tasks.c.address, applied_tasks.c.document)
_PUT_LIVE = upsert(live_tasks)
_DELETE_LIVE = Prepared(sa.delete(live_tasks).where(live_tasks.c.address == _KEY))
_PUT_APPLIED = upsert(applied_tasks)
_DELETE_APPLIED = Prepared(sa.delete(applied_tasks).where(applied_tasks.c.address == _KEY))
_COUNT_UP = Prepared(
    sa.update(meta)
    .where(meta.c.name == sa.bindparam("key"))
    .values(value=sa.cast(sa.cast(meta.c.value, sa.Integer) + sa.bindparam("step"), sa.Text))
)


# -------------------------------------------------------------------- live
def read_live(connection: Connection, address: str | None = None) -> Iterator[TaskRow]:
    """All live tasks in the order of addresses, or the one with an address."""
    rows = (
        connection.execute(_ALL_LIVE) if address is None else _ONE_LIVE.run(connection, key=address)
    )
    for row in rows:
        yield TaskRow(row.address, row.document, row.changed_by, _moment(row.changed_at))


def live_version(connection: Connection) -> str:
    """A text that is another one when a live task was written or removed."""
    query = sa.select(sa.func.count(), sa.func.max(live_tasks.c.changed_at)).select_from(live_tasks)
    count, newest = connection.execute(query).one()
    serial = connection.execute(sa.select(meta.c.value).where(meta.c.name == "serial")).scalar_one()
    return f"{count} {newest} {serial}"


def put_live(connection: Connection, address: str, document: str, *, by: str, at: datetime) -> None:
    """Write a live task, new or not."""
    _PUT_LIVE.run(
        connection, address=address, document=document, changed_by=by, changed_at=to_iso(at)
    )


def delete_live(connection: Connection, address: str) -> bool:
    """Remove a live task; False if there was none."""
    return _DELETE_LIVE.run(connection, key=address).rowcount > 0


def live_digests(connection: Connection) -> dict[str, str]:
    """The digest of every live document, by address."""
    return _digests(connection, _LIVE_TEXTS)


def _digests(connection: Connection, texts: sa.Select[Any]) -> dict[str, str]:
    return {address: digest_text(text) for address, text in connection.execute(texts)}


# ------------------------------------------------------------ last applied
def applied_digests(connection: Connection) -> dict[str, str]:
    """The digest of every document that was last applied, by address."""
    return _digests(connection, _APPLIED_TEXTS)


def read_applied(connection: Connection, address: str | None = None) -> Iterator[TaskRow]:
    """All tasks as they were last applied, or the one with an address."""
    rows = (
        connection.execute(_ALL_APPLIED)
        if address is None
        else _ONE_APPLIED.run(connection, key=address)
    )
    for row in rows:
        yield TaskRow(
            row.address,
            row.document,
            row.applied_by,
            _moment(row.applied_at),
            file=row.file,
            commit=row.commit,
            apply_id=row.apply_id,
        )


def remember_applied(connection: Connection, row: TaskRow) -> None:
    """Remember what was applied, instead of what was before; counts the state up."""
    _PUT_APPLIED.run(
        connection,
        address=row.address,
        document=row.document,
        applied_by=row.changed_by,
        applied_at=to_iso(row.changed_at),
        apply_id=row.apply_id,
        file=row.file,
        commit=row.commit,
    )
    _count_up(connection)


def forget_applied(connection: Connection, address: str) -> None:
    """Forget a task that is gone; counts the state up."""
    _DELETE_APPLIED.run(connection, key=address)
    _count_up(connection)


def _moment(text: str) -> datetime:
    try:
        return from_iso(text)
    except ValueError:
        raise StateUnusable(
            "the state database is damaged: a stored moment cannot be read",
            details=[("found", one_line(text))],
            hint="put back a backup",
        ) from None


def _count_up(connection: Connection) -> None:
    _COUNT_UP.run(connection, key="serial", step=1)
