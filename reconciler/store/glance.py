"""What a plan asks of an SQLite state first, in one look and without SQLAlchemy.

Importing SQLAlchemy takes as long as the rest of a small plan, and a plan in which nothing changes
needs no more than this. Changes nothing. Judges nothing either: wherever the state is not as
it mostly is (another kind, another schema, an apply at work or killed, a damaged file), there is no
answer, and it is opened as ever, with the words of `store/database` for what is wrong.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from reconciler.base.canonical import digest_bytes
from reconciler.store.version import SCHEMA_VERSION

_SETTINGS = "SELECT name, value FROM meta WHERE name IN ('schema_version', 'state_id', 'serial')"
_UNFINISHED = "SELECT count(*) FROM applies WHERE outcome IS NULL"
# Most documents are live as they were applied: the database compares them, one is digested. As
# bytes: a digest is of bytes, and text would be made of them only to be unmade.
_BOTH = """
SELECT a.address, CAST(a.document AS BLOB), l.document IS NOT NULL,
       CASE WHEN l.document = a.document THEN NULL ELSE CAST(l.document AS BLOB) END
FROM applied_tasks AS a LEFT JOIN live_tasks AS l ON l.address = a.address
"""
_LIVE_ALONE = """
SELECT address, CAST(document AS BLOB) FROM live_tasks
WHERE address NOT IN (SELECT address FROM applied_tasks)
"""
# Those of an earlier version, which tracked no bases.
_UNTRACKED = """
SELECT address FROM applied_tasks AS a
WHERE NOT EXISTS (SELECT 1 FROM base_readings AS b WHERE b.address = a.address)
  AND instr(document, '"baseImage"') > 0
"""


@dataclass(frozen=True, slots=True)
class Glance:
    """One consistent view: digests of the documents last applied and live, by address.

    `untracked` as of `store/task_bases.untracked_tasks`.
    """

    state_id: str
    serial: int
    applied: dict[str, str]
    live: dict[str, str]
    untracked: frozenset[str]


def glance(path: Path) -> Glance | None:
    """The state in a file, or None where it has to be opened to know more."""
    address = f"file:{quote(str(path))}"
    try:
        return _opened(f"{address}?mode=rw")  # makes no file
    except sqlite3.OperationalError:
        # SQLite makes a small file beside it to read: on a full disk it cannot. Where nothing is at
        # work, the file itself says everything.
        before = _at_rest(path)
        with suppress(sqlite3.Error, ValueError, TypeError):
            seen = _opened(f"{address}?mode=ro&immutable=1") if before else None
            return seen if before == _at_rest(path) else None
        return None
    except (sqlite3.Error, ValueError, TypeError):
        return None


def _opened(address: str) -> Glance | None:
    with closing(sqlite3.connect(address, uri=True, timeout=2, isolation_level=None)) as found:
        found.execute("PRAGMA query_only=ON")
        found.execute("BEGIN")
        return _look(found)


def _at_rest(path: Path) -> tuple[int, int] | None:
    """When the file was written and how large it is; None if something may stand beside it."""
    log = path.with_name(f"{path.name}-wal")
    with suppress(OSError):
        if not log.exists() or not log.stat().st_size:
            found = path.stat()
            return found.st_mtime_ns, found.st_size
    return None


def _look(connection: sqlite3.Connection) -> Glance | None:
    settings = dict(connection.execute(_SETTINGS))
    if settings.get("schema_version") != str(SCHEMA_VERSION):
        return None
    (unfinished,) = connection.execute(_UNFINISHED).fetchone()
    if unfinished or not isinstance(settings.get("state_id"), str):
        return None
    applied, live = dict[str, str](), dict[str, str]()
    for address, document, is_live, other in connection.execute(_BOTH):
        digest = applied[address] = digest_bytes(document)
        if is_live:
            live[address] = digest if other is None else digest_bytes(other)
    live.update(_digests(connection))
    untracked = frozenset(row[0] for row in connection.execute(_UNTRACKED))
    return Glance(settings["state_id"], int(settings["serial"]), applied, live, untracked)


def _digests(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    for address, document in connection.execute(_LIVE_ALONE):
        yield address, digest_bytes(document)
