"""Where an SQLite state lies, and a look into it that changes nothing. Needs no SQLAlchemy."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

_PREFIX = "sqlite:///"


def sqlite_path(url: str, folder: Path) -> Path | None:
    """The file of a state; None for a state that is no SQLite file. Relative to `folder`."""
    if not url.startswith(_PREFIX):
        return None
    return (folder / url.removeprefix(_PREFIX)).resolve()


def texts_of(path: Path, table: str, column: str) -> Iterator[str]:
    """The texts of a column, as far as they can be read; none of a file that is not there.

    Nothing is written: no file is made, none is brought to a newer schema.
    """
    # Without a log beside it nobody writes just now; and to read with one, files are made.
    has_log = path.with_name(path.name + "-wal").exists()
    address = f"file:{quote(str(path))}?mode=ro{'' if has_log else '&immutable=1'}"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=2)) as connection:
            rows = connection.execute(f"SELECT {column} FROM {table}").fetchall()  # noqa: S608
    except sqlite3.Error:
        return
    yield from (text for (text,) in rows if isinstance(text, str))
