"""Where the refs of polled repositories were at the last look. Judges nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from reconciler.store.database import Database
from reconciler.store.schema import polled_refs

# A repository that was looked at has this one, also if it is empty. It tells whether tags count.
_HEAD = "HEAD"
_WITH_TAGS = "tags"


@dataclass(frozen=True, slots=True)
class Known:
    """Ref to commit at the last look; without tags if nobody wanted them then."""

    refs: Mapping[str, str]
    tags: bool


def known_refs(database: Database, url: str) -> Known | None:
    """What is known of a repository; None if nobody has looked yet. Raises StateUnusable."""
    query = sa.select(polled_refs.c.ref, polled_refs.c.target).where(polled_refs.c.url == url)
    with database.read() as connection:
        found = {row.ref: row.target for row in connection.execute(query)}
    if not found:
        return None
    tags = found.pop(_HEAD) == _WITH_TAGS
    return Known(found, tags)


def save_refs(database: Database, url: str, known: Known) -> None:
    """Store where all refs are now: those that are not named are gone. Raises StateUnusable."""
    everything = {**known.refs, _HEAD: _WITH_TAGS if known.tags else ""}
    rows = [{"url": url, "ref": ref, "target": target} for ref, target in everything.items()]
    with database.write() as connection:
        connection.execute(sa.delete(polled_refs).where(polled_refs.c.url == url))
        connection.execute(sa.insert(polled_refs), rows)
