"""Events that came, what was decided about them, and their runs. Judges nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from reconciler.base.clock import from_iso, to_iso
from reconciler.model.event import Decided, Delivery, Source, TimerState, Verdict
from reconciler.model.lease import Enqueued, Waiting
from reconciler.model.run import RunRecord
from reconciler.store.database import Database
from reconciler.store.many import execute_many
from reconciler.store.queue import Joining, enqueue_all
from reconciler.store.schema import decisions, deliveries, runs, timers

_AT_ONCE = 500  # values in one question
MOST_MOVES = 1000  # of a ref, the latest
_RUNS = tuple(verdict.value for verdict in Verdict if verdict.runs)

# Made once: to put a statement together costs more than to execute it.
_NOTE = sa.insert(decisions)
_LAST_RUN = (
    sa.select(decisions, runs.c.record)
    .join(runs, runs.c.id == decisions.c.run_id, isouter=True)
    .where(
        decisions.c.task == sa.bindparam("of_task"),
        decisions.c.trigger == sa.bindparam("of_trigger"),
        decisions.c.subject == sa.bindparam("of_subject"),
        decisions.c.verdict.in_(_RUNS),
    )
    .order_by(decisions.c.id.desc())
    .limit(1)
)
_OF_REF = (
    decisions.c.task == sa.bindparam("of_task"),
    decisions.c.trigger == sa.bindparam("of_trigger"),
    decisions.c.subject == sa.bindparam("of_subject"),
)
_LEFT = (
    sa.select(decisions.c.id)
    .where(decisions.c.previous == sa.bindparam("of_version"), *_OF_REF)
    .limit(1)
)
_MOVES = (
    sa.select(decisions.c.previous, decisions.c.version, decisions.c.verdict, decisions.c.source)
    .where(*_OF_REF)
    .order_by(decisions.c.id.desc())
    .limit(sa.bindparam("most"))
)
_HANDLE_TIMERS = (
    sa.update(timers)
    .where(timers.c.task == sa.bindparam("key_task"))
    .where(timers.c.name == sa.bindparam("key_name"))
    .values(handled=sa.bindparam("to"))
)


@cache
def _adding(dialect: str) -> Any:
    """Adds messages that are not there; answers with those it has added."""
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415  (late: costs 50 ms)

        adding: Any = insert(deliveries).on_conflict_do_nothing()
    else:
        adding = sa.insert(deliveries).prefix_with("OR IGNORE")
    return adding.returning(deliveries.c.hook, deliveries.c.id)


class Moved(NamedTuple):
    """A move from `previous` to `version`, and what was decided about it.

    `polled`: a look found it.
    """

    previous: str | None
    version: str | None
    verdict: Verdict
    polled: bool = False


class Register:
    """One transaction: what came, what was decided, and the runs that were queued for it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def connection(self) -> Connection:
        """For what is stored in the same transaction."""
        return self._connection

    def add_deliveries(self, everyone: Iterable[Delivery]) -> set[tuple[str, str]]:
        """Note messages of hooks: (hook, id) of those that did not come before.

        Two that come at the same moment wait for each other: one of them is the second.
        """
        rows = [one.model_dump() | {"received": to_iso(one.received)} for one in everyone]
        if not rows:
            return set()
        added = self._connection.execute(_adding(self._connection.dialect.name), rows)
        return {(row.hook, row.id) for row in added}

    def note(self, decided: Iterable[Decided]) -> None:
        """Store decisions."""
        execute_many(self._connection, _NOTE, [row_of_decided(item) for item in decided])

    def decided_before(self, once: Sequence[str]) -> set[str]:
        """Those of some things that happen only once that have been decided."""
        found: set[str] = set()
        for start in range(0, len(once), _AT_ONCE):
            part = decisions.c.once.in_(once[start : start + _AT_ONCE])
            found.update(
                self._connection.execute(sa.select(decisions.c.once).where(part)).scalars()
            )
        return found

    def enqueue(self, everyone: Sequence[Waiting]) -> list[Enqueued]:
        """Put runs into the queue: what became of each."""
        return enqueue_all(self._connection, everyone)

    def joining(self, folds: Iterable[str]) -> Joining:
        """Puts runs into the queue one after the other, and writes them together."""
        return Joining(self._connection, folds)

    def handle_timers(self, handled: Iterable[TimerState]) -> None:
        """Store how far timers are handled; one that was removed meanwhile stays removed."""
        rows = [
            {"key_task": it.task, "key_name": it.name, "to": to_iso(it.handled)} for it in handled
        ]
        execute_many(self._connection, _HANDLE_TIMERS, rows)

    def decided_of(self, hook: str, delivery: str) -> list[Decided]:
        """What was decided about a message, oldest first."""
        query = (
            sa.select(decisions)
            .where(decisions.c.hook == hook, decisions.c.delivery == delivery)
            .order_by(decisions.c.id)
        )
        return [decided_of_row(row) for row in self._connection.execute(query)]

    def last_run(
        self, task: str, trigger: str, subject: str
    ) -> tuple[Decided, RunRecord | None] | None:
        """The newest decision of a trigger about a subject that has a run, with its run.

        The run is None if it is not in the state any more.
        """
        asked = {"of_task": task, "of_trigger": trigger, "of_subject": subject}
        row = self._connection.execute(_LAST_RUN, asked).first()
        if row is None:
            return None
        record = None if row.record is None else RunRecord.model_validate_json(row.record)
        return decided_of_row(row), record

    def is_left(self, task: str, trigger: str, subject: str, version: str) -> bool:
        """True if a trigger knows of a move of a subject from a version to another one."""
        asked = {"of_task": task, "of_trigger": trigger, "of_subject": subject}
        return self._connection.execute(_LEFT, asked | {"of_version": version}).first() is not None

    def moves(self, task: str, trigger: str, subject: str, most: int = MOST_MOVES) -> list[Moved]:
        """The last moves of a subject that a trigger knows of, as they came."""
        asked = {"of_task": task, "of_trigger": trigger, "of_subject": subject, "most": most}
        found = self._connection.execute(_MOVES, asked).all()
        return [
            Moved(row.previous, row.version, Verdict(row.verdict), row.source == Source.POLL.value)
            for row in reversed(found)
        ]


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
        return [decided_of_row(row) for row in connection.execute(query)]


def row_of_decided(item: Decided) -> dict[str, Any]:
    """A decision as it is stored."""
    # Not by `model_dump`, which costs several times as much: timers have many thousands at once.
    words = {"source": item.source.value, "verdict": item.verdict.value}
    return {**item.__dict__, **words, "at": to_iso(item.at)}


def decided_of_row(row: Row[Any]) -> Decided:
    """A stored decision."""
    names = [name for name in Decided.model_fields if name != "at"]
    values = {name: getattr(row, name) for name in names}
    return Decided(at=from_iso(row.at), **values)


def newest_decision(connection: Connection) -> int:
    """The number of the newest decision; 0 if there is none."""
    return connection.execute(sa.select(sa.func.max(decisions.c.id))).scalar_one() or 0


def hooks_built(
    connection: Connection, tasks: Sequence[str], after: int, until: int
) -> dict[tuple[str, str, str], str]:
    """What the newest run of each (task, trigger, subject) builds that has one since a decision.

    Only of those whose newest one is for a message, and not newer than another decision.
    """
    found: dict[tuple[str, str, str], str] = {}
    for start in range(0, len(tasks), _AT_ONCE):
        query = (
            sa.select(decisions, runs.c.record)
            .join(runs, runs.c.id == decisions.c.run_id)
            .where(decisions.c.task.in_(tasks[start : start + _AT_ONCE]), decisions.c.id > after)
            .where(decisions.c.verdict.in_(_RUNS))
            .order_by(decisions.c.id)
        )
        for row in connection.execute(query):
            key = row.task, row.trigger, row.subject
            found.pop(key, None)
            if row.source == Source.HOOK.value and row.id <= until:
                found[key] = RunRecord.model_validate_json(row.record).commit or row.version
    return found


# --------------------------------------------------------------------- timers
def keep_timers(database: Database, wanted: Iterable[TimerState]) -> list[TimerState]:
    """Make the stored timers those of the live tasks, and say how far each is handled.

    `handled` of a wanted one counts where it is new or has another schedule: what was due before it
    was there is not missed.
    """
    with database.write() as connection:
        known = {(row.task, row.name): row for row in connection.execute(sa.select(timers))}
        found, fresh = [], []
        for timer in wanted:
            row = known.pop((timer.task, timer.name), None)
            if row is not None and row.schedule == timer.schedule:
                found.append(timer.model_copy(update={"handled": from_iso(row.handled)}))
                continue
            if row is not None:
                _drop_timers(connection, [row])
            fresh.append(timer.model_dump() | {"handled": to_iso(timer.handled)})
            found.append(timer)
        _drop_timers(connection, known.values())
        if fresh:
            connection.execute(sa.insert(timers), fresh)
    return found


def _drop_timers(connection: Connection, rows: Iterable[Row[Any]]) -> None:
    keys = [{"key_task": row.task, "key_name": row.name} for row in rows]
    if keys:
        named = sa.and_(
            timers.c.task == sa.bindparam("key_task"), timers.c.name == sa.bindparam("key_name")
        )
        connection.execute(sa.delete(timers).where(named), keys)
