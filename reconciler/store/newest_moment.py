"""The newest moment that daemons of a state have seen. Judges nothing."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from reconciler.base.clock import from_iso, to_iso
from reconciler.store.database import Database
from reconciler.store.schema import meta

_NAME = "newest_moment"


def newest_moment(database: Database) -> datetime | None:
    """The moment, None if no daemon has stored one. Raises StateUnusable."""
    with database.read() as connection:
        found = connection.execute(sa.select(meta.c.value).where(meta.c.name == _NAME)).scalar()
    return None if found is None else from_iso(found)


def save_newest_moment(database: Database, moment: datetime) -> None:
    """Store it, also if it is earlier than what is stored. Raises StateUnusable."""
    text = to_iso(moment)
    with database.write() as connection:
        change = sa.update(meta).where(meta.c.name == _NAME).values(value=text)
        if connection.execute(change).rowcount == 0:
            connection.execute(sa.insert(meta).values(name=_NAME, value=text))
