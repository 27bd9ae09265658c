"""What applied tasks stand on: who is rebuilt when an image moves. Judges nothing.

A task's rows are written in the commit that remembers it, and corrected by its runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from reconciler.base.clock import from_iso, to_iso
from reconciler.model.tracked import BaseSource, TaskBases, TrackedBase
from reconciler.store.prepared import Prepared, upsert
from reconciler.store.schema import applied_tasks, base_readings, task_bases

# A transaction of the state, for those who may not name SQLAlchemy.
Transaction = Connection

_KEY: sa.BindParameter[str] = sa.bindparam("key")
_OTHER: sa.BindParameter[str] = sa.bindparam("other")
_PUT_READING = upsert(base_readings)
_PUT_BASE = upsert(task_bases)
_FORGET_READING = Prepared(sa.delete(base_readings).where(base_readings.c.address == _KEY))
_FORGET_BASES = Prepared(sa.delete(task_bases).where(task_bases.c.address == _KEY))
_MOVE = tuple(
    Prepared(sa.update(table).where(table.c.address == _KEY).values(address=_OTHER))
    for table in (base_readings, task_bases)
)
_ONE_READING = sa.select(base_readings).where(base_readings.c.address == _KEY)
_BASES_OF_ONE = sa.select(task_bases).where(task_bases.c.address == _KEY)
_KNOWN = Prepared(_ONE_READING.where(base_readings.c.unknown.is_(None)))


@dataclass(frozen=True, slots=True)
class Reading:
    """The bases of one task, where they are known from (a checkout, or a run), and since when."""

    bases: TaskBases
    source: BaseSource
    at: datetime


@dataclass(frozen=True, slots=True)
class Stander:
    """An applied task that stands on an image, and how."""

    address: str
    base: TrackedBase


@dataclass(frozen=True, slots=True)
class Unread:
    """An applied task with a trigger for base images whose bases are not all known, and why.

    `source` is its context, as it was applied. `why` is None where nobody has looked: an earlier
    version applied it. `at` is when that was written.
    """

    address: str
    applied_at: datetime
    source: str
    why: str | None = None
    at: datetime | None = None


# ------------------------------------------------------------------- writing
def put_bases(
    connection: Connection, address: str, bases: TaskBases, source: BaseSource, at: datetime
) -> None:
    """Write what a task stands on, instead of what was known before."""
    _FORGET_BASES.run(connection, key=address)
    _PUT_READING.run(
        connection, address=address, source=source, at=to_iso(at), unknown=bases.unknown
    )
    for position, base in enumerate(bases.images):
        _PUT_BASE.run(
            connection,
            address=address,
            position=position,
            reference=base.reference,
            platform=base.platform,
            kind=base.kind,
            file=base.file,
            line=base.line,
        )


def forget_bases(connection: Connection, address: str) -> None:
    """Forget what a task stood on that is gone."""
    _FORGET_BASES.run(connection, key=address)
    _FORGET_READING.run(connection, key=address)


def rename_bases(connection: Connection, previous: str, address: str) -> None:
    """What a task stands on goes with it to its new address."""
    forget_bases(connection, address)
    for move in _MOVE:
        move.run(connection, key=previous, other=address)


def all_known(connection: Connection, address: str) -> bool:
    """True if everything that a task stands on is known."""
    return _KNOWN.run(connection, key=address).first() is not None


def observe_bases(
    connection: Connection, address: str, bases: TaskBases, *, asked: datetime, at: datetime
) -> None:
    """Write what a run of a task really used; places that were read before are kept.

    `asked` is when the run was asked for: what was applied since then is not contradicted, and a
    task that was never applied, or is gone, has no bases.
    """
    applied = sa.select(applied_tasks.c.applied_at).where(applied_tasks.c.address == _KEY)
    found = connection.execute(applied, {"key": address}).scalar_one_or_none()
    if found is None or from_iso(found) > asked:
        return
    before = read_bases(connection, address)
    places = {} if before is None else {_name(one): one for one in before.bases.images}
    images = tuple(_placed(one, places.get(_name(one))) for one in bases.images)
    put_bases(connection, address, TaskBases(images=images), "observed", at)


def _name(base: TrackedBase) -> tuple[str, str]:
    return base.reference, base.kind


def _placed(base: TrackedBase, known: TrackedBase | None) -> TrackedBase:
    return base if known is None else replace(base, file=known.file, line=known.line)


# ------------------------------------------------------------------- reading
def read_bases(connection: Connection, address: str) -> Reading | None:
    """What a task stands on; None if nobody has looked: it was applied by an earlier version."""
    row = connection.execute(_ONE_READING, {"key": address}).one_or_none()
    if row is None:
        return None
    rows = connection.execute(_BASES_OF_ONE.order_by(task_bases.c.position), {"key": address})
    bases = TaskBases(images=tuple(map(_base, rows)), unknown=row.unknown)
    return Reading(bases, row.source, from_iso(row.at))


def tasks_on(connection: Connection, reference: str) -> list[Stander]:
    """Which applied tasks stand on an image, by address. `reference` as `tracked_reference` says.

    Whether one is rebuilt when the image moves is for its triggers to say.
    """
    query = sa.select(task_bases).where(task_bases.c.reference == _KEY)
    order = (task_bases.c.address, task_bases.c.position)
    return list(_standers(connection.execute(query.order_by(*order), {"key": reference})))


def all_standers(connection: Connection) -> Iterator[Stander]:
    """Every applied task with every image it stands on, by address."""
    order = (task_bases.c.address, task_bases.c.position)
    yield from _standers(connection.execute(sa.select(task_bases).order_by(*order)))


def unknown_tasks(connection: Connection) -> Iterator[str]:
    """Applied tasks of which it is not known what all they stand on, by address."""
    joined = applied_tasks.outerjoin(
        base_readings, base_readings.c.address == applied_tasks.c.address
    )
    asked = sa.or_(base_readings.c.address.is_(None), base_readings.c.unknown.is_not(None))
    query = sa.select(applied_tasks.c.address).select_from(joined).where(asked)
    yield from connection.execute(query.order_by(applied_tasks.c.address)).scalars()


def untracked_tasks(connection: Connection) -> Iterator[str]:
    """Applied tasks with a trigger for base images at whose bases nobody has looked, by address.

    An earlier version applied them: until that is made good, no push builds them anew.
    """
    looked = sa.exists().where(base_readings.c.address == applied_tasks.c.address)
    minds = applied_tasks.c.document.contains('"baseImage"', autoescape=True)
    query = sa.select(applied_tasks.c.address).where(sa.not_(looked), minds)
    yield from connection.execute(query.order_by(applied_tasks.c.address)).scalars()


def unread_tasks(connection: Connection, address: str | None = None) -> Iterator[Unread]:
    """Applied tasks with a trigger for base images whose bases are not all known; one if asked.

    Whether the trigger is on is for the document to say.
    """
    joined = applied_tasks.outerjoin(
        base_readings, base_readings.c.address == applied_tasks.c.address
    )
    minds = applied_tasks.c.document.contains('"baseImage"', autoescape=True)
    unknown = sa.or_(base_readings.c.address.is_(None), base_readings.c.unknown.is_not(None))
    columns = (applied_tasks.c.address, applied_tasks.c.applied_at, applied_tasks.c.document)
    query = sa.select(*columns, base_readings.c.unknown, base_readings.c.at)
    query = query.select_from(joined).where(unknown, minds)
    if address is not None:
        query = query.where(applied_tasks.c.address == address)
    for row in connection.execute(query.order_by(applied_tasks.c.address)):
        at = from_iso(row.at) if row.at is not None else None
        source = json.loads(row.document)["spec"]["context"]["source"]
        yield Unread(row.address, from_iso(row.applied_at), source, row.unknown, at)


def _standers(rows: Iterable[sa.Row[tuple[object, ...]]]) -> Iterator[Stander]:
    for row in rows:
        yield Stander(row.address, _base(row))


def _base(row: sa.Row[tuple[object, ...]]) -> TrackedBase:
    return TrackedBase(
        reference=row.reference, platform=row.platform, kind=row.kind, file=row.file, line=row.line
    )
