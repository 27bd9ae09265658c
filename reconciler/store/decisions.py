"""Events that came, what was decided about them, and their runs. Judges nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from reconciler.base.clock import from_iso, to_iso
from reconciler.model.event import Decided, Delivery, Verdict
from reconciler.model.lease import Enqueued, Waiting
from reconciler.model.run import RunRecord
from reconciler.store.database import Database
from reconciler.store.queue import enqueue
from reconciler.store.schema import decisions, deliveries, runs

_RUNS = tuple(verdict.value for verdict in Verdict if verdict.runs)


class Register:
    """One transaction: what came, what was decided, and the runs that were queued for it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_delivery(self, delivery: Delivery) -> bool:
        """Note a message of a hook. False if it came before.

        Two that come at the same moment wait for each other: one of them is the second.
        """
        values = {**delivery.model_dump(), "received": to_iso(delivery.received)}
        return self._add(deliveries, values)

    def note(self, decided: Decided) -> bool:
        """Store a decision. False, and nothing stored, if its `once` was decided before."""
        return self._add(decisions, decided.model_dump(mode="json") | {"at": to_iso(decided.at)})

    def enqueue(self, waiting: Waiting) -> Enqueued:
        """Put a run into the queue."""
        return enqueue(self._connection, waiting)

    def decided_of(self, hook: str, delivery: str) -> list[Decided]:
        """What was decided about a message, oldest first."""
        query = (
            sa.select(decisions)
            .where(decisions.c.hook == hook, decisions.c.delivery == delivery)
            .order_by(decisions.c.id)
        )
        return [_decided(row) for row in self._connection.execute(query)]

    def last_run(
        self, task: str, trigger: str, subject: str
    ) -> tuple[Decided, RunRecord | None] | None:
        """The newest decision of a trigger about a subject that has a run, with its run.

        The run is None if it is not in the state any more.
        """
        query = (
            sa.select(decisions, runs.c.record)
            .join(runs, runs.c.id == decisions.c.run_id, isouter=True)
            .where(
                decisions.c.task == task,
                decisions.c.trigger == trigger,
                decisions.c.subject == subject,
                decisions.c.verdict.in_(_RUNS),
            )
            .order_by(decisions.c.id.desc())
            .limit(1)
        )
        row = self._connection.execute(query).first()
        if row is None:
            return None
        record = None if row.record is None else RunRecord.model_validate_json(row.record)
        return _decided(row), record

    def _add(self, table: sa.Table, values: dict[str, Any]) -> bool:
        """Insert a row; False if one with its keys is there."""
        if self._connection.dialect.name == "postgresql":
            from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415  (late: costs 50 ms)

            adding = insert(table).on_conflict_do_nothing().values(**values)
            return self._connection.execute(adding).rowcount == 1
        ignoring = sa.insert(table).prefix_with("OR IGNORE").values(**values)
        return self._connection.execute(ignoring).rowcount == 1


@contextlib.contextmanager
def open_register(database: Database) -> Iterator[Register]:
    """A register whose transaction is committed at the end of the block. Raises StateUnusable."""
    with database.write() as connection:
        yield Register(connection)


def list_decisions(
    database: Database, *, task: str | None = None, limit: int = 20
) -> list[Decided]:
    """Decisions, newest first, of one task if asked."""
    query = sa.select(decisions).order_by(decisions.c.id.desc()).limit(limit)
    if task is not None:
        query = query.where(decisions.c.task == task)
    with database.read() as connection:
        return [_decided(row) for row in connection.execute(query)]


def purge(database: Database, before: datetime) -> int:
    """Forget messages and decisions from before a moment; how many decisions that were."""
    limit = to_iso(before)
    with database.write() as connection:
        connection.execute(sa.delete(deliveries).where(deliveries.c.received < limit))
        return connection.execute(sa.delete(decisions).where(decisions.c.at < limit)).rowcount


def _decided(row: Row[Any]) -> Decided:
    names = [name for name in Decided.model_fields if name != "at"]
    values = {name: getattr(row, name) for name in names}
    return Decided(at=from_iso(row.at), **values)
