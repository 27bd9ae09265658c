"""What a driver says went wrong with the state database, in words for people."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from reconciler.base.errors import StateBusy, StateFull, StateUnusable
from reconciler.base.room import FIX, full_disk, has_room
from reconciler.base.text import one_line


class OpenState(Protocol):
    """What is asked of a database that has a fault."""

    @property
    def engine(self) -> Engine:
        """Its connections."""

    @property
    def path(self) -> Path | None:
        """The SQLite file, None on PostgreSQL."""


def name_of(database: OpenState) -> str:
    """What people call the database: its file, or its URL without the password."""
    return str(database.path) if database.path else database.engine.url.render_as_string()


@contextlib.contextmanager
def our_errors(database: OpenState) -> Iterator[None]:
    """Errors of the driver in the block become StateUnusable, StateBusy or StateFull."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise _explain(database, str(error.orig)) from None
    except sqlite3.Error as error:
        raise _explain(database, str(error)) from None
    except sa.exc.SQLAlchemyError as error:
        raise _explain(database, f"malformed: {error}") from None


_BUSY = ("locked", "busy")
# part of the driver's message, what we say, what to do
_FAULTS = (
    (
        ("connection to server", "connection failed", "connection refused", "resolve host"),
        "cannot be reached",
        "start the server, or mend `state:` in reconciler.yaml",
    ),
    (
        ("not a database", "malformed", "no such", "could not decode"),
        "is damaged; it was left as it is",
        "put back a backup, or move the file away and make a new plan",
    ),
    (("readonly", "read-only"), "cannot be written", "make the file and its folder writable"),
)


def _explain(database: OpenState, text: str) -> StateUnusable:
    found = one_line(text.partition("\n")[0])
    details = [("state", name_of(database)), ("found", found)]
    if _lacks_room(database, text.lower()):
        told = full_disk(database.path.parent) if database.path else "its disk is full"
        message = f"the state database cannot be written: {told}"
        return StateFull(message, hint=FIX, details=details)
    if any(word in text.lower() for word in _BUSY):
        message, hint = "the state database is busy", "another process holds it; try again"
        return StateBusy(message, hint=hint, details=details)
    for words, message, hint in _FAULTS:
        if any(word in text.lower() for word in words):
            return StateUnusable(f"the state database {message}", hint=hint, details=details)
    return StateUnusable("the state database cannot be used", details=details)


def _lacks_room(database: OpenState, text: str) -> bool:
    """True for a full disk. SQLite calls it an I/O error where it cannot make its other files."""
    if "disk i/o error" not in text:
        return "full" in text
    try:
        return database.path is not None and not has_room(database.path.parent)
    except OSError:
        return False
