"""Messages of hooks that were refused: decisions without a task, the newest of each hook.

Anybody can send one, so what is kept of them is bounded. Judges nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from reconciler.model.event import Decided, Source
from reconciler.store.database import Database
from reconciler.store.decisions import Register, decided_of_row
from reconciler.store.schema import decisions

# Of each hook.
KEPT = 1000


def note_refusals(database: Database, refused: Sequence[Decided], kept: int = KEPT) -> None:
    """Store refused messages, and forget all but the newest `kept` of their hooks.

    Raises StateUnusable: none was stored.
    """
    with database.write() as connection:
        Register(connection).note(refused)
        for hook in {item.hook for item in refused if item.hook is not None}:
            _forget(connection, hook, kept)


def list_refusals(database: Database, hook: str, limit: int = 20) -> list[Decided]:
    """What a hook refused, newest first."""
    query = sa.select(decisions).where(_refused(hook)).order_by(decisions.c.id.desc()).limit(limit)
    with database.read() as connection:
        return [decided_of_row(row) for row in connection.execute(query)]


def _forget(connection: Connection, hook: str, kept: int) -> None:
    ids = sa.select(decisions.c.id).where(_refused(hook)).order_by(decisions.c.id.desc())
    newest_too_old = connection.execute(ids.offset(kept).limit(1)).scalar_one_or_none()
    if newest_too_old is not None:
        old = sa.and_(_refused(hook), decisions.c.id <= newest_too_old)
        connection.execute(sa.delete(decisions).where(old))


def _refused(hook: str) -> sa.ColumnElement[bool]:
    # What was taken names its task: the index by task leads to the few others.
    return sa.and_(
        decisions.c.task.is_(None),
        decisions.c.source == Source.HOOK.value,
        decisions.c.hook == hook,
    )
