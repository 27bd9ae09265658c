"""Registries that are left alone for a while: kept, so that a daemon that starts keeps to it."""

from __future__ import annotations

from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from reconciler.model.watched import RegistryPause
from reconciler.store.schema import registry_pauses


def list_pauses(connection: Connection) -> list[RegistryPause]:
    """All of them, also those that are over, by host."""
    rows = connection.execute(sa.select(registry_pauses).order_by(registry_pauses.c.host))
    return [RegistryPause(**row) for row in rows.mappings()]


def put_pause(connection: Connection, pause: RegistryPause) -> None:
    """Keep the pause of a registry, in the place of an earlier one."""
    drop_pause(connection, pause.host)
    connection.execute(sa.insert(registry_pauses).values(**asdict(pause)))


def drop_pause(connection: Connection, host: str) -> None:
    """A registry answers again."""
    connection.execute(sa.delete(registry_pauses).where(registry_pauses.c.host == host))
