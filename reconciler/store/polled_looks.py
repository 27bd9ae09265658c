"""How the last look at each polled repository ended, which logins it refused. Judges nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from reconciler.store.database import Database
from reconciler.store.schema import polled_looks, polled_refusals


@dataclass(frozen=True, slots=True)
class Refusal:
    """A login that is refused: since when (seconds since 1970), and what was said last."""

    since: float
    message: str


@dataclass(frozen=True, slots=True)
class RepositoryLook:
    """The last look at a repository. Times are seconds since 1970; `seen_at` None: never answered.

    `message` is why it failed. `refused` are logins by the reference of their token, "" without.
    """

    url: str
    repository: str
    looked_at: float
    seen_at: float | None = None
    message: str | None = None
    refused: Mapping[str, Refusal] = field(default_factory=dict)


def keep_looks(database: Database, urls: Collection[str]) -> None:
    """Forget all repositories but these. Raises StateUnusable."""
    with database.write() as connection:
        known = connection.execute(sa.select(polled_looks.c.url)).scalars().all()
        gone = [{"gone": url} for url in known if url not in urls]
        if gone:
            for table in (polled_looks, polled_refusals):
                of_url = table.c.url == sa.bindparam("gone")
                connection.execute(sa.delete(table).where(of_url), gone)


def read_look(connection: Connection, url: str) -> RepositoryLook | None:
    """The last look at a repository; None if nobody has looked."""
    row = connection.execute(sa.select(polled_looks).where(polled_looks.c.url == url)).first()
    return None if row is None else _look(row, _refusals(connection, url).get(url, {}))


def save_look(connection: Connection, look: RepositoryLook) -> None:
    """Keep a look in the place of the one before."""
    for table in (polled_looks, polled_refusals):
        connection.execute(sa.delete(table).where(table.c.url == look.url))
    names = ("url", "repository", "looked_at", "seen_at", "message")
    row = {name: getattr(look, name) for name in names}
    connection.execute(sa.insert(polled_looks).values(row))
    refused = [
        {"url": look.url, "token": token, "since": one.since, "message": one.message}
        for token, one in look.refused.items()
    ]
    if refused:
        connection.execute(sa.insert(polled_refusals), refused)


def troubled_looks(connection: Connection) -> list[RepositoryLook]:
    """The looks that failed, and those at repositories that refuse a login, by URL."""
    refusals = _refusals(connection)
    query = sa.select(polled_looks).order_by(polled_looks.c.url)
    failed = polled_looks.c.message.is_not(None)
    refusing = polled_looks.c.url.in_(sa.select(polled_refusals.c.url))
    rows = connection.execute(query.where(sa.or_(failed, refusing)))
    return [_look(row, refusals.get(row.url, {})) for row in rows]


def count_failing(connection: Connection) -> int:
    """How many polled repositories did not answer the last look."""
    failed = polled_looks.c.message.is_not(None)
    query = sa.select(sa.func.count()).select_from(polled_looks).where(failed)
    return int(connection.execute(query).scalar_one())


def _refusals(connection: Connection, url: str | None = None) -> dict[str, dict[str, Refusal]]:
    query = sa.select(polled_refusals)
    if url is not None:
        query = query.where(polled_refusals.c.url == url)
    found: dict[str, dict[str, Refusal]] = {}
    for row in connection.execute(query):
        found.setdefault(row.url, {})[row.token] = Refusal(row.since, row.message)
    return found


def _look(row: Row[tuple[object, ...]], refused: Mapping[str, Refusal]) -> RepositoryLook:
    return RepositoryLook(row.url, row.repository, row.looked_at, row.seen_at, row.message, refused)
