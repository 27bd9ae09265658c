"""Opens the state database and hands out transactions; turns driver errors into ours.

SQLite (WAL, full synchronisation) by default, PostgreSQL by URL. A write transaction on SQLite
starts with BEGIN IMMEDIATE, so that two writers wait for each other and never deadlock.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from reconciler.base.errors import StateUnusable
from reconciler.base.ids import new_id
from reconciler.store.schema import SCHEMA_VERSION, meta, metadata

_BUSY_SECONDS = 20
_SQLITE = "sqlite:///"


class Database:
    """An open state database. `path` is the SQLite file, None on PostgreSQL."""

    def __init__(self, engine: Engine, path: Path | None) -> None:
        self.engine = engine
        self.path = path

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A read transaction: one consistent view. Raises StateUnusable."""
        with _our_errors(self), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """A write transaction, committed at the end of the block. Raises StateUnusable."""
        options = {"reconciler_write": True}
        with (
            _our_errors(self),
            self.engine.connect().execution_options(**options) as connection,
            connection.begin(),
        ):
            yield connection

    def setting(self, name: str) -> str:
        """A value of the table `meta`: state_id, key, serial."""
        with self.read() as connection:
            return str(connection.execute(_setting_of(name)).scalar_one())

    @property
    def key(self) -> bytes:
        """The random key of this state store, for fingerprints and plan signatures."""
        return bytes.fromhex(self.setting("key"))

    def close(self) -> None:
        """Give back the connections."""
        self.engine.dispose()


def open_database(url: str, folder: Path) -> Database:
    """Open the state, making it on first use. A relative SQLite path is relative to `folder`.

    Raises StateUnusable if it is corrupt, newer than this tool, or cannot be opened.
    """
    path = _sqlite_path(url, folder)
    if path is not None:
        _make_folder(path.parent)
        url = _SQLITE + str(path)
    engine = sa.create_engine(url, **_engine_options(path))
    if path is not None:
        _prepare_sqlite(engine)
    database = Database(engine, path)
    try:
        _migrate(database)
    except BaseException:
        database.close()
        raise
    return database


def _sqlite_path(url: str, folder: Path) -> Path | None:
    if not url.startswith(_SQLITE):
        return None
    return (folder / url.removeprefix(_SQLITE)).resolve()


def _make_folder(folder: Path) -> None:
    try:
        if not folder.exists():
            folder.mkdir(parents=True, mode=0o700)
            (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise StateUnusable(
            f"the state folder {folder} cannot be made: {error.strerror}",
            hint="choose another place with `state:` in reconciler.yaml",
        ) from None


def _engine_options(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {"pool_pre_ping": True}
    return {"connect_args": {"timeout": _BUSY_SECONDS, "check_same_thread": False}}


def _prepare_sqlite(engine: Engine) -> None:
    @sa.event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: object) -> None:
        # The driver starts no transactions by itself: `begin` below does, in our words.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("reconciler_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _setting_of(name: str) -> sa.Select[Any]:
    return sa.select(meta.c.value).where(meta.c.name == name)


def _migrate(database: Database) -> None:
    with _our_errors(database), database.engine.connect() as connection:
        exists = sa.inspect(connection).has_table("meta")
    if not exists:
        _create(database)
        return
    with database.read() as connection:
        found = connection.execute(_setting_of("schema_version")).scalar_one_or_none()
    if found is None or not found.isdigit() or int(found) != SCHEMA_VERSION:
        raise StateUnusable(
            f"the state database has schema {found}, this version knows {SCHEMA_VERSION}",
            hint="use the version of reconciler that wrote it; nothing was changed",
            details=[("state", _name(database))],
        )


def _create(database: Database) -> None:
    first = {
        "schema_version": str(SCHEMA_VERSION),
        "state_id": new_id("s-", 12),
        "key": secrets.token_hex(32),
        "serial": "0",
    }
    with database.write() as connection:
        metadata.create_all(connection)
        if connection.execute(_setting_of("state_id")).first() is None:
            rows = [{"name": name, "value": value} for name, value in first.items()]
            connection.execute(sa.insert(meta), rows)
    if database.path is not None:
        # The key that signs plans lives here: nobody else reads it.
        database.path.chmod(0o600)


def _name(database: Database) -> str:
    return str(database.path) if database.path else database.engine.url.render_as_string()


@contextlib.contextmanager
def _our_errors(database: Database) -> Iterator[None]:
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise _explain(database, str(error.orig)) from None
    except sa.exc.NoSuchModuleError as error:
        raise StateUnusable(f"this kind of state is not installed: {error}") from None


def _explain(database: Database, text: str) -> StateUnusable:
    details = [("state", _name(database)), ("found", text.splitlines()[0][:200])]
    if "locked" in text or "busy" in text:
        return StateUnusable(
            "the state database is busy",
            hint=f"another process held it for {_BUSY_SECONDS} s; try again",
            details=details,
        )
    if "not a database" in text or "malformed" in text or "no such" in text:
        return StateUnusable(
            "the state database is damaged; it was left as it is",
            hint="put back a backup, or move the file away and import what is live",
            details=details,
        )
    return StateUnusable("the state database cannot be used", details=details)
