"""What engines were found able to do: the newest answer of each. Judges nothing."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from reconciler.model.capability import Recorded, read_recorded
from reconciler.store.schema import capabilities


def record(connection: Connection, found: Recorded) -> None:
    """Keep an answer in the place of the last one of that engine."""
    key = {"engine": found.capability.engine, "buildkit": found.capability.buildkit or ""}
    conditions = [capabilities.c[name] == value for name, value in key.items()]
    connection.execute(sa.delete(capabilities).where(*conditions))
    row = {**key, "document": found.model_dump_json(by_alias=True)}
    connection.execute(sa.insert(capabilities), row)


def recorded(connection: Connection) -> tuple[Recorded, ...]:
    """Every answer that is kept, by engine."""
    query = sa.select(capabilities.c.document).order_by(
        capabilities.c.engine, capabilities.c.buildkit
    )
    return read_recorded(connection.execute(query).scalars())
