"""Steps from one schema of the state to the next, in one transaction. Nothing is lost by them."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from reconciler.store.schema import (
    base_readings,
    capabilities,
    decisions,
    deliveries,
    events,
    image_events,
    image_moves,
    images,
    meta,
    polled_looks,
    polled_refs,
    polled_refusals,
    pools,
    queue,
    rebuilds,
    registry_pauses,
    task_bases,
    timers,
)
from reconciler.store.version import SCHEMA_VERSION

OLDEST = 1
_VERSION = meta.c.name == "schema_version"


def migrate(connection: Connection) -> None:
    """Bring a state of version `OLDEST` or later to `SCHEMA_VERSION`.

    The version is read again inside the transaction: another process may have been quicker.
    """
    found = int(connection.execute(sa.select(meta.c.value).where(_VERSION)).scalar_one())
    for version in range(found, SCHEMA_VERSION):
        _STEPS[version](connection)
    connection.execute(sa.update(meta).where(_VERSION).values(value=str(SCHEMA_VERSION)))


def _from_1(connection: Connection) -> None:
    """The plan of an apply is kept (to resume it), and what went around a safety rule."""
    connection.execute(sa.text("ALTER TABLE applies ADD COLUMN number INTEGER"))
    connection.execute(sa.text("ALTER TABLE applies ADD COLUMN plan TEXT"))
    events.create(connection)


def _from_2(connection: Connection) -> None:
    """What engines can do is kept, for plans."""
    capabilities.create(connection)


def _from_3(connection: Connection) -> None:
    """What applied tasks stand on is kept. Of those that are applied already nothing is known."""
    base_readings.create(connection)
    task_bases.create(connection)


def _from_4(connection: Connection) -> None:
    """Runs may wait for workers; events, what was decided about them, and timers are kept."""
    for table in (queue, deliveries, decisions, timers):
        table.create(connection)


def _from_5(connection: Connection) -> None:
    """Images are watched; runs of one event may be limited together."""
    known = {column["name"] for column in sa.inspect(connection).get_columns("queue")}
    for name, kind in (("crowd", "TEXT"), ("crowd_cap", "INTEGER")):
        if name not in known:  # made by the step before, as it is now
            connection.execute(sa.text(f"ALTER TABLE queue ADD COLUMN {name} {kind}"))
    for table in (images, image_events, image_moves, rebuilds):
        table.create(connection)


def _from_6(connection: Connection) -> None:
    """Repositories are polled. Where their refs are is learned at the first look."""
    polled_refs.create(connection)


def _from_7(connection: Connection) -> None:
    """Losses of a run are weighed; until then its tries were counted."""
    known = {column["name"] for column in sa.inspect(connection).get_columns("queue")}
    if "attempts" in known:
        connection.execute(sa.text("ALTER TABLE queue RENAME COLUMN attempts TO losses"))


def _from_8(connection: Connection) -> None:
    """Workers say which pools they serve."""
    pools.create(connection, checkfirst=True)


def _from_9(connection: Connection) -> None:
    """It is known which tags were not there, when each was last seen, and who is left alone."""
    known = {column["name"] for column in sa.inspect(connection).get_columns("images")}
    if "seen_at" not in known:  # made by an earlier step, as it is now
        connection.execute(sa.text("ALTER TABLE images ADD COLUMN seen_at FLOAT"))
    registry_pauses.create(connection, checkfirst=True)
    answered = images.c.message.is_(None)
    connection.execute(sa.update(images).where(answered).values(seen_at=images.c.checked_at))
    no_tag = images.c.message == "the registry has no such tag"
    unseen = sa.update(images).where(no_tag, images.c.digest.is_(None))
    connection.execute(unseen.values(digest=""))


def _from_10(connection: Connection) -> None:
    """What followed a commit is found quickly."""
    (index,) = [one for one in decisions.indexes if one.name == "decisions_by_previous"]
    index.create(connection, checkfirst=True)


def _from_11(connection: Connection) -> None:
    """It is known how looks at polled repositories end. Until the next one nothing is.

    What a worker takes next is found quickly in a long queue.
    """
    for table in (polled_looks, polled_refusals):
        table.create(connection, checkfirst=True)
    for name in ("queue_by_order", "queue_by_series", "queue_by_worker", "decisions_by_delivery"):
        connection.execute(sa.text(f"DROP INDEX IF EXISTS {name}"))
    wanted = {"queue_by_order", "queue_by_worker", "decisions_by_delivery"}
    for index in (*queue.indexes, *decisions.indexes):
        if index.name in wanted:
            index.create(connection)


_STEPS: dict[int, Callable[[Connection], None]] = {
    1: _from_1,
    2: _from_2,
    3: _from_3,
    4: _from_4,
    5: _from_5,
    6: _from_6,
    7: _from_7,
    8: _from_8,
    9: _from_9,
    10: _from_10,
    11: _from_11,
}
