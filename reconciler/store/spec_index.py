"""What spec files said when they were last read, by their content: a cache, never a truth.

One SQLite file for each set of policies, variables and version (its name is their digest), in the
user's own cache folder and not in the workspace: what lies in a repository must not be able to say
that its specs passed. Anything wrong with it (damaged, busy, full, not ours) only means that files
are read again.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

_KEPT_DAYS = 30
_DAY = 86_400
_MOST_KEYS = 500  # in one question
_TABLE = (
    "CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, entry TEXT NOT NULL) WITHOUT ROWID"
)


def cache_folder(environment: Mapping[str, str]) -> Path | None:
    """Where the user's caches are: `$XDG_CACHE_HOME/reconciler`, else `~/.cache/reconciler`."""
    home = environment.get("XDG_CACHE_HOME")
    if home:
        return Path(home) / "reconciler" if Path(home).is_absolute() else None
    with contextlib.suppress(RuntimeError):  # a user without a home
        return Path.home() / ".cache" / "reconciler"
    return None


class SpecIndex:
    """Entries by key. Never raises for what is wrong with the file: it is then empty, and stays so.

    `get` is for many keys at once; what is `put` is written at the end, by `close`. Another process
    opens its own.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._new: dict[bytes, str] = {}
        self._used: set[bytes] = set()
        self._path = folder / f"{name}.db"
        self._connection: sqlite3.Connection | None = None
        with contextlib.suppress(OSError), self._guarded():
            self._connection = _open(self._path)

    def get(self, keys: Sequence[bytes]) -> dict[bytes, str]:
        """The entries of keys, as far as there are any."""
        self._used.update(keys)
        found: dict[bytes, str] = {}
        for start in range(0, len(keys), _MOST_KEYS):
            found.update(self._ask(keys[start : start + _MOST_KEYS]))
        return found

    def use(self, key: bytes) -> None:
        """Keep what another process found under a key, as what was found here is kept."""
        self._used.add(key)

    def put(self, key: bytes, entry: str) -> None:
        """Keep an entry."""
        self._new[key] = entry

    def close(self) -> None:
        """Write what is new, forget what nobody asked for if that is most of it."""
        with self._guarded():
            if self._connection is not None and self._new:
                self._write(self._connection)
        self._let_go()

    def _ask(self, keys: Sequence[bytes]) -> Iterator[tuple[bytes, str]]:
        marks = ",".join("?" * len(keys))
        question = f"SELECT key, entry FROM entries WHERE key IN ({marks})"  # noqa: S608  (marks)
        with self._guarded():
            if self._connection is not None:
                for key, entry in self._connection.execute(question, keys):
                    # A flipped bit can make something else of a text.
                    if isinstance(key, bytes) and isinstance(entry, str):
                        yield key, entry

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """What goes wrong is the end of this index; a damaged file is taken away."""
        try:
            yield
        except sqlite3.Error as error:
            self._let_go()
            if not any(word in str(error) for word in ("locked", "busy", "full", "readonly")):
                with contextlib.suppress(OSError):
                    self._path.unlink(missing_ok=True)

    def _let_go(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None

    def _write(self, connection: sqlite3.Connection) -> None:
        with connection:  # one transaction
            # In the order of the tree: of a hundred thousand, half the work.
            rows = sorted(self._new.items())
            connection.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?)", rows)
            (count,) = connection.execute("SELECT count(*) FROM entries").fetchone()
            if count > 4 * len(self._used):
                _forget(connection, self._used | self._new.keys())


def _open(path: Path) -> sqlite3.Connection | None:
    folder = path.parent
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not _is_ours(folder):
        return None
    if not path.exists():
        _clear_old(folder)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
    connection = sqlite3.connect(path, timeout=2, isolation_level="IMMEDIATE")
    try:
        # Safe against a crash, without waiting for the disk: at worst the newest entries are lost.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(_TABLE)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _is_ours(folder: Path) -> bool:
    """True if nobody else can have written there."""
    state = folder.stat()
    shared = stat.S_IWGRP | stat.S_IWOTH
    return state.st_uid == os.geteuid() and not state.st_mode & shared


def _clear_old(folder: Path) -> None:
    """Remove what was not written to for a month: policies and versions of another time."""
    limit = time.time() - _KEPT_DAYS * _DAY
    for path in folder.glob("*.db*"):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < limit:
                path.unlink()


def _forget(connection: sqlite3.Connection, kept: Iterable[bytes]) -> None:
    connection.execute("CREATE TEMP TABLE kept (key BLOB PRIMARY KEY) WITHOUT ROWID")
    connection.executemany("INSERT OR IGNORE INTO kept VALUES (?)", ((key,) for key in kept))
    connection.execute("DELETE FROM entries WHERE key NOT IN (SELECT key FROM kept)")
