"""The tags that are watched: what was served under each, and when it is looked at next.

Judges nothing. Whoever writes what it saw says what it knew before: of two only one is right.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from reconciler.base.clock import to_iso
from reconciler.model.event import Verdict
from reconciler.model.tracked import BaseKind
from reconciler.model.watched import Served, WatchedImage
from reconciler.store.database import Database
from reconciler.store.schema import decisions, images, task_bases

_AT_ONCE = 500  # values in one question
_MARK = 0.001  # seconds
_ABSENT = ""  # in the place of a digest


def keep_images(database: Database, references: Iterable[str], now: float) -> int:
    """Watch these tags and no others; how many are new, and are to be looked at now."""
    wanted = set(references)
    with database.write() as connection:
        known = set(connection.execute(sa.select(images.c.reference)).scalars())
        gone = sorted(known - wanted)
        for start in range(0, len(gone), _AT_ONCE):
            part = images.c.reference.in_(gone[start : start + _AT_ONCE])
            connection.execute(sa.delete(images).where(part))
        fresh = [
            {"reference": reference, "next_at": now, "failures": 0}
            for reference in sorted(wanted - known)
        ]
        if fresh:
            connection.execute(sa.insert(images), fresh)
    return len(fresh)


def due_image(
    database: Database,
    now: float,
    without: Collection[str] = (),
    among: Collection[str] | None = None,
) -> WatchedImage | None:
    """The tag whose turn it is, of any registry but some hosts, or of some; None if none is due.

    One that was looked at in the future is due: the clock was set back.
    """
    due = sa.or_(images.c.next_at <= now, images.c.checked_at > now)
    chosen = [sa.not_(_at(host)) for host in without]
    if among is not None:
        chosen.append(sa.or_(sa.false(), *map(_at, among)))
    query = sa.select(images).where(due, *chosen).order_by(images.c.next_at).limit(1)
    with database.read() as connection:
        row = connection.execute(query).first()
    return None if row is None else _image(row)


def _at(host: str) -> sa.ColumnElement[bool]:
    return images.c.reference.startswith(f"{host}/", autoescape=True)


def hurry_image(database: Database, reference: str, now: float, gap: float) -> bool:
    """Have a tag looked at soon, `gap` seconds after the last look. False if it is not watched."""
    with database.write() as connection:
        image = read_image(connection, reference)
        if image is None:
            return False
        at = max(now, image.checked_at + gap) if image.checked_at is not None else now
        change = sa.update(images).where(images.c.reference == reference)
        connection.execute(change.values(next_at=_sooner(sa.literal(at, sa.Float), now)))
    return True


def _sooner(at: sa.ColumnElement[float], now: float) -> sa.ColumnElement[float]:
    """The next turn, at a moment at the latest.

    One that is due may just be looked at, by who does not know of this: it is changed a little.
    """
    marked = sa.case((images.c.next_at <= now, images.c.next_at + _MARK), else_=images.c.next_at)
    return sa.case((images.c.next_at > at, at), else_=marked)


def hurry_images(database: Database, moments: Mapping[str, float], now: float, gap: float) -> None:
    """Have tags looked at by a moment each, but not until `gap` seconds after their last look."""
    if not moments:
        return
    at = sa.bindparam("at", type_=sa.Float)
    allowed = sa.func.coalesce(images.c.checked_at, 0.0) + gap
    later = sa.case((allowed > at, allowed), else_=at)
    sooner = (
        sa.update(images)
        .where(images.c.reference == sa.bindparam("key"))
        .values(next_at=_sooner(later, now))
    )
    rows = [{"key": reference, "at": moment} for reference, moment in moments.items()]
    with database.write() as connection:
        connection.execute(sooner, rows)


def read_image(connection: Connection, reference: str) -> WatchedImage | None:
    """A watched tag, None if it is not watched."""
    row = connection.execute(sa.select(images).where(images.c.reference == reference)).first()
    return None if row is None else _image(row)


def save_image(
    connection: Connection, image: WatchedImage, known: WatchedImage, again: float | None = None
) -> bool:
    """Store a tag. False, and nothing written, if not the known digest stands there.

    `again` is its next turn at the latest if somebody has hurried it since it was read.
    """
    digest, served = _digest(known), image.served
    next_at: sa.ColumnElement[float] = sa.literal(image.next_at, sa.Float)
    if again is not None:
        hurried = sa.literal(min(again, image.next_at), sa.Float)
        next_at = sa.case((images.c.next_at == known.next_at, next_at), else_=hurried)
    same = images.c.digest.is_(None) if digest is None else images.c.digest == digest
    change = (
        sa.update(images)
        .where(images.c.reference == image.reference, same)
        .values(
            digest=_digest(image),
            platforms=_platforms(served),
            etag=served.etag if served else None,
            checked_at=image.checked_at,
            seen_at=image.seen_at,
            next_at=next_at,
            failures=image.failures,
            message=image.message,
        )
    )
    return connection.execute(change).rowcount == 1


def sighted_since(connection: Connection, reference: str, digest: str, since: datetime) -> bool:
    """True if a digest was noted as the first one of a tag, at a moment or later."""
    query = sa.select(decisions.c.id).where(
        decisions.c.at >= to_iso(since),
        decisions.c.subject == reference,
        decisions.c.version == digest,
        decisions.c.verdict == Verdict.FIRST_SIGHT.value,
    )
    return connection.execute(query.limit(1)).first() is not None


def count_unseen(connection: Connection) -> int:
    """How many watched tags could not be seen at the last look."""
    query = sa.select(sa.func.count()).select_from(images).where(images.c.message.is_not(None))
    return int(connection.execute(query).scalar_one())


def read_unseen(
    connection: Connection, hosts: Collection[str] = (), address: str | None = None
) -> list[tuple[str, BaseKind, WatchedImage]]:
    """(task, kind, image) where the last look failed, and of all images of some hosts.

    Of one task if asked. By task and image.
    """
    wrong = [images.c.reference.startswith(f"{host}/", autoescape=True) for host in hosts]
    query = (
        sa.select(task_bases.c.address, task_bases.c.kind, images)
        .join(images, images.c.reference == task_bases.c.reference)
        .where(sa.or_(images.c.message.is_not(None), *wrong))
        .order_by(task_bases.c.address, task_bases.c.reference)
    )
    if address is not None:
        query = query.where(task_bases.c.address == address)
    return [(row.address, row.kind, _image(row)) for row in connection.execute(query)]


def list_images(database: Database) -> list[WatchedImage]:
    """All watched tags, by name."""
    with database.read() as connection:
        rows = connection.execute(sa.select(images).order_by(images.c.reference))
        return [_image(row) for row in rows]


def list_unseen(database: Database) -> list[WatchedImage]:
    """Watched tags that could not be seen at the last look, by name."""
    query = sa.select(images).where(images.c.message.is_not(None)).order_by(images.c.reference)
    with database.read() as connection:
        return [_image(row) for row in connection.execute(query)]


def _digest(image: WatchedImage) -> str | None:
    """As it is stored: that a tag was not there is known, too."""
    if image.served is not None:
        return image.served.digest
    return _ABSENT if image.absent else None


def _platforms(served: Served | None) -> str | None:
    if served is None or served.platforms is None:
        return None
    return json.dumps(dict(served.platforms), sort_keys=True)


def _image(row: Row[Any]) -> WatchedImage:
    platforms = None if row.platforms is None else json.loads(row.platforms)
    return WatchedImage(
        reference=row.reference,
        next_at=row.next_at,
        served=None if not row.digest else Served(row.digest, platforms, row.etag),
        checked_at=row.checked_at,
        failures=row.failures,
        message=row.message,
        absent=row.digest == _ABSENT,
        seen_at=row.seen_at,
    )
