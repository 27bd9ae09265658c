"""Events of images that moved, and the tasks that each rebuilds. Judges nothing."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from reconciler.model.event import Source, Verdict
from reconciler.model.rebuild import Digests, Outcome, Progress, Rebuild
from reconciler.model.run import RunRecord, RunStatus
from reconciler.model.watched import Move, read_served, write_served
from reconciler.store.many import execute_many
from reconciler.store.schema import decisions, image_events, image_moves, rebuilds, runs

_AT_ONCE = 500  # values in one question
_FINAL = tuple(status.value for status in RunStatus if status.final)
_NOTHING = "[]"
# Made once: to put a statement together costs more than to execute it.
_ADD = sa.insert(rebuilds)
_QUEUE = (
    sa.update(rebuilds)
    .where(rebuilds.c.event == sa.bindparam("key_event"))
    .where(rebuilds.c.address == sa.bindparam("key_address"))
    .values(state=sa.bindparam("to_state"), run_id=sa.bindparam("to_run"))
)


# --------------------------------------------------------------------- events
def add_move(
    connection: Connection, move: Move, now: float, *, quiet: float, longest: float
) -> int:
    """Put a move into the event that gathers, or into a new one: its number.

    The event waits until nothing has moved for `quiet` seconds, at most `longest` from its opening.
    """
    query = sa.select(image_events).where(image_events.c.state == "gathering").with_for_update()
    row = connection.execute(query.order_by(image_events.c.id.desc())).first()
    if row is None:
        fresh = sa.insert(image_events).values(opened=now, due=now + quiet, state="gathering")
        number = int(connection.execute(fresh.returning(image_events.c.id)).scalar_one())
    else:
        number = int(row.id)
        due = max(now, min(now + quiet, row.opened + longest))
        change = sa.update(image_events).where(image_events.c.id == number)
        connection.execute(change.values(due=due))
    again = (
        sa.update(image_moves)
        .where(image_moves.c.event == number, image_moves.c.reference == move.reference)
        .values(served=write_served(move.served))
    )
    if connection.execute(again).rowcount == 0:
        values = {"previous": write_served(move.previous), "served": write_served(move.served)}
        connection.execute(
            sa.insert(image_moves).values(event=number, reference=move.reference, **values)
        )
    return number


def due_event(connection: Connection, now: float) -> int | None:
    """The number of an event that has gathered long enough; None if there is none.

    One that was opened in the future is due: the clock was set back.
    """
    due = sa.or_(image_events.c.due <= now, image_events.c.opened > now)
    query = sa.select(image_events.c.id).where(image_events.c.state == "gathering", due)
    found = connection.execute(query.order_by(image_events.c.id).with_for_update()).first()
    return None if found is None else int(found.id)


def moves_of(connection: Connection, event: int) -> list[Move]:
    """What moved in an event, by name."""
    query = sa.select(image_moves).where(image_moves.c.event == event)
    return [
        Move(row.reference, read_served(row.previous), served)
        for row in connection.execute(query.order_by(image_moves.c.reference))
        if (served := read_served(row.served)) is not None
    ]


def begin_event(connection: Connection, event: int, everyone: Sequence[Rebuild]) -> None:
    """An event has its tasks; what moves from now on is another one."""
    change = sa.update(image_events).where(image_events.c.id == event)
    connection.execute(change.values(state="going"))
    execute_many(connection, _ADD, [_row(item) for item in everyone])


def end_events(connection: Connection) -> int:
    """Close the events whose tasks are all done; how many."""
    still = sa.exists().where(
        rebuilds.c.event == image_events.c.id, rebuilds.c.state != Progress.DONE.value
    )
    change = sa.update(image_events).where(image_events.c.state == "going", sa.not_(still))
    return connection.execute(change.values(state="done")).rowcount


def purge_events(connection: Connection, before: float) -> int:
    """Forget events that are done and older than a moment (seconds since 1970); how many."""
    old = sa.and_(image_events.c.state == "done", image_events.c.opened < before)
    numbers = sa.select(image_events.c.id).where(old)
    for table in (rebuilds, image_moves):
        connection.execute(sa.delete(table).where(table.c.event.in_(numbers)))
    return connection.execute(sa.delete(image_events).where(old)).rowcount


# ---------------------------------------------------------------------- tasks
def ready_rebuilds(connection: Connection, limit: int) -> list[Rebuild]:
    """Tasks that wait for nothing any more, oldest event first."""
    waits = rebuilds.c.state == Progress.WAITING.value
    query = sa.select(rebuilds).where(waits, rebuilds.c.waits_for == _NOTHING).limit(limit)
    ordered = query.order_by(rebuilds.c.event, rebuilds.c.address)
    return [_rebuild(row) for row in connection.execute(ordered)]


def ended_rebuilds(connection: Connection, limit: int) -> list[tuple[Rebuild, RunRecord | None]]:
    """Tasks whose run has ended; None for a run that is not in the state any more."""
    ended = sa.or_(runs.c.id.is_(None), runs.c.status.in_(_FINAL))
    query = (
        sa.select(rebuilds, runs.c.record)
        .join(runs, runs.c.id == rebuilds.c.run_id, isouter=True)
        .where(rebuilds.c.state == Progress.QUEUED.value, ended)
        .order_by(rebuilds.c.event, rebuilds.c.address)
        .limit(limit)
    )
    return [
        (_rebuild(row), None if row.record is None else RunRecord.model_validate_json(row.record))
        for row in connection.execute(query)
    ]


def rebuilds_of(connection: Connection, event: int, *, family: bool = False) -> list[Rebuild]:
    """The tasks of an event; with `family` those that wait, and those that are done."""
    query = sa.select(rebuilds).where(rebuilds.c.event == event)
    if family:
        query = query.where(
            sa.or_(rebuilds.c.waits_for != _NOTHING, rebuilds.c.state == Progress.DONE.value)
        )
    return [_rebuild(row) for row in connection.execute(query.order_by(rebuilds.c.address))]


def any_waits(connection: Connection, event: int) -> bool:
    """True if a task of an event waits for another one."""
    query = sa.select(rebuilds.c.address).where(
        rebuilds.c.event == event,
        rebuilds.c.state == Progress.WAITING.value,
        rebuilds.c.waits_for != _NOTHING,
    )
    return connection.execute(query.limit(1)).first() is not None


def save_rebuilds(connection: Connection, everyone: Iterable[Rebuild]) -> None:
    """Store how far tasks are."""
    rows = [
        {("key_" + name if name in {"event", "address"} else "to_" + name): value
         for name, value in _row(item).items()}
        for item in everyone
    ]  # fmt: skip
    if not rows:
        return
    columns = ("hop", "waits_for", "moved", "state", "outcome", "made", "run_id")
    change = (
        sa.update(rebuilds)
        .where(rebuilds.c.event == sa.bindparam("key_event"))
        .where(rebuilds.c.address == sa.bindparam("key_address"))
        .values({name: sa.bindparam("to_" + name) for name in columns})
    )
    connection.execute(change, rows)


def queue_rebuilds(connection: Connection, everyone: Iterable[Rebuild]) -> None:
    """Store the runs of tasks that are queued, and nothing else of them: there may be many."""
    rows = [
        {
            "key_event": item.event,
            "key_address": item.address,
            "to_state": Progress.QUEUED.value,
            "to_run": item.run_id,
        }
        for item in everyone
    ]
    execute_many(connection, _QUEUE, rows)


def add_rebuilds(connection: Connection, everyone: Sequence[Rebuild]) -> None:
    """More tasks of an event that goes on."""
    execute_many(connection, _ADD, [_row(item) for item in everyone])


def queued_for(connection: Connection, addresses: Sequence[str]) -> dict[str, Digests]:
    """What the open runs of tasks are built on, by address; the newest event counts."""
    found: dict[str, dict[str, tuple[str | None, str]]] = {}
    for start in range(0, len(addresses), _AT_ONCE):
        part = rebuilds.c.address.in_(addresses[start : start + _AT_ONCE])
        query = sa.select(rebuilds).where(part, rebuilds.c.state == Progress.QUEUED.value)
        for row in connection.execute(query.order_by(rebuilds.c.event)):
            found.setdefault(row.address, {}).update(_rebuild(row).moved)
    return dict(found)


def any_begun(connection: Connection, addresses: Collection[str]) -> bool:
    """True if one of some tasks has a run of an event that has begun, and is not settled.

    One that only waits pushes nothing, however long it does.
    """
    begun = sa.or_(runs.c.id.is_(None), runs.c.status != RunStatus.QUEUED.value)
    open_runs = (
        sa.select(rebuilds.c.event)
        .join(runs, runs.c.id == rebuilds.c.run_id, isouter=True)
        .where(rebuilds.c.state == Progress.QUEUED.value, begun)
        .limit(1)
    )
    everyone = sorted(addresses)
    for start in range(0, len(everyone), _AT_ONCE):
        part = rebuilds.c.address.in_(everyone[start : start + _AT_ONCE])
        if connection.execute(open_runs.where(part)).first():
            return True
    return False


def last_queued(connection: Connection, addresses: Sequence[str]) -> dict[str, str]:
    """When an image last had a run queued for tasks: ISO moments, by address."""
    found: dict[str, str] = {}
    for start in range(0, len(addresses), _AT_ONCE):
        query = (
            sa.select(decisions.c.task, sa.func.max(decisions.c.at).label("at"))
            .where(
                decisions.c.task.in_(addresses[start : start + _AT_ONCE]),
                decisions.c.source == Source.IMAGE.value,
                decisions.c.verdict == Verdict.QUEUED.value,
            )
            .group_by(decisions.c.task)
        )
        found.update({row.task: row.at for row in connection.execute(query)})
    return found


def _row(item: Rebuild) -> dict[str, Any]:
    return {
        "event": item.event,
        "address": item.address,
        "hop": item.hop,
        "waits_for": json.dumps(item.waits_for),
        "moved": json.dumps(dict(item.moved)),
        "state": item.progress.value,
        "outcome": item.outcome.value if item.outcome else None,
        "made": json.dumps(dict(item.made)),
        "run_id": item.run_id,
    }


def _rebuild(row: Row[Any]) -> Rebuild:
    return Rebuild(
        event=row.event,
        address=row.address,
        hop=row.hop,
        waits_for=tuple(json.loads(row.waits_for)),
        moved=_digests(row.moved),
        progress=Progress(row.state),
        outcome=Outcome(row.outcome) if row.outcome else None,
        made=_digests(row.made or "{}"),
        run_id=row.run_id,
    )


def _digests(text: str) -> Digests:
    return {reference: (before, now) for reference, (before, now) in json.loads(text).items()}
