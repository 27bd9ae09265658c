"""Opens the state database and hands out transactions.

SQLite (WAL, full synchronisation) by default, PostgreSQL by URL. A write transaction on SQLite
starts with BEGIN IMMEDIATE, so that two writers wait for each other and never deadlock.
"""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from reconciler.base.clock import utc_now
from reconciler.base.errors import StateBusy, StateInUse, StateUnusable
from reconciler.base.ids import new_id
from reconciler.store.faults import name_of, our_errors
from reconciler.store.in_use import who_works
from reconciler.store.migrate import OLDEST, migrate
from reconciler.store.schema import meta, metadata
from reconciler.store.sqlite_file import sqlite_path
from reconciler.store.version import SCHEMA_VERSION

_BUSY_SECONDS = 20
# So long a command may have a state of an earlier version open before that counts as in use.
_ALONE_SECONDS = 5.0
# Noted beside a connection whose next transaction writes: how long it waits for others.
_WRITES = "reconciler_writes"


Fence = Callable[[Connection], None]


def no_fence(_connection: Connection) -> None:
    """Every write may be done."""


class Database:
    """An open state database. `path` is the SQLite file, None on PostgreSQL."""

    def __init__(self, engine: Engine, path: Path | None) -> None:
        self.engine = engine
        self.path = path
        self._kept = threading.local()

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A read transaction: one consistent view. Raises StateUnusable."""
        with our_errors(self), self._connection() as connection, connection.begin():
            yield connection

    @contextlib.contextmanager
    def write(self, fence: Fence = no_fence) -> Iterator[Connection]:
        """A write transaction, committed at the end of the block. Raises StateUnusable.

        `fence` is asked first, inside it, and raises if nothing may be written any more.
        """
        with our_errors(self), self._connection() as connection:
            patience: float | None = getattr(self._kept, "patience", None)
            connection.info[_WRITES] = _BUSY_SECONDS if patience is None else patience
            with connection.begin():
                fence(connection)
                yield connection

    @contextlib.contextmanager
    def keep_connection(self) -> Iterator[None]:
        """Every transaction of this thread in the block is done on one connection.

        For who does very many: opening one costs as much as a write. Raises StateUnusable.
        """
        with our_errors(self), self.engine.connect() as connection:
            self._kept.connection = connection
            try:
                yield
            finally:
                self._kept.connection = None

    @contextlib.contextmanager
    def hasty(self, seconds: float) -> Iterator[None]:
        """Every write of this thread in the block waits so long for other ones, not 20 seconds."""
        self._kept.patience = seconds
        try:
            yield
        finally:
            self._kept.patience = None

    def _connection(self) -> contextlib.AbstractContextManager[Connection]:
        kept: Connection | None = getattr(self._kept, "connection", None)
        if kept is None or kept.in_transaction():
            return self.engine.connect()
        return contextlib.nullcontext(kept)

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

    One of an earlier version is brought up, unless somebody works with it. Raises StateInUse then,
    StateUnusable if it is corrupt, newer than this tool, or cannot be opened.
    """
    path = sqlite_path(url, folder)
    if path is not None:
        _make_file(path)
    database = Database(_engine(url, path), path)
    try:
        _prepare(database)
    except BaseException:
        database.close()
        raise
    return database


def _engine(url: str, path: Path | None, *, alone: bool = False) -> Engine:
    """`alone`: of an SQLite file that no other connection has open, nor can open."""
    try:
        if path is None:
            return sa.create_engine(url, pool_pre_ping=True)
        # Not as text: a path may hold `?`, `#` or `%`.
        address = sa.URL.create("sqlite", database=str(path))
        options = {"timeout": 0 if alone else _BUSY_SECONDS, "check_same_thread": False}
        engine = sa.create_engine(address, connect_args=options)
    except ImportError as error:
        raise StateUnusable(
            f"the driver of this kind of state is not installed: {error.name}",
            hint="install it with: pip install 'image-task-reconciler[postgres]'",
        ) from None
    except sa.exc.ArgumentError:
        raise StateUnusable("`state:` in reconciler.yaml is no database URL") from None
    _prepare_sqlite(engine, alone=alone)
    return engine


def _make_file(path: Path) -> None:
    """An empty private file. The key that signs plans will stand in it, and beside it in the WAL,
    which gets the mode of the file."""
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            (path.parent / ".gitignore").write_text("*\n", encoding="utf-8")
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StateUnusable(
            f"the state database cannot be opened: {error.strerror}",
            details=[("state", str(path))],
            hint="make the folder writable, or choose another place with `state:`",
        ) from None


def _prepare_sqlite(engine: Engine, *, alone: bool) -> None:
    @sa.event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: object) -> None:
        # The driver starts no transactions by itself: `begin` below does, in our words.
        connection.isolation_level = None
        if alone:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        else:
            _use_wal(connection)
        for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        patience: float | None = connection.info.pop(_WRITES, None)
        # Straight to the driver: this is done before each write of an apply.
        driver = connection.connection.dbapi_connection
        if driver is not None and patience is not None:
            driver.execute(f"PRAGMA busy_timeout={round(patience * 1000)}")
            driver.execute("BEGIN IMMEDIATE")
        elif driver is not None:
            driver.execute("BEGIN")


def _use_wal(connection: Any) -> None:
    """Switch to the write-ahead log, again and again while another process is just doing so.

    SQLite does not wait by itself here: its busy timeout is for transactions.
    """
    for pause in (0.01, 0.05, 0.2, 1.0, None):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if pause is None or "locked" not in str(error):
                raise
            time.sleep(pause)
        else:
            return


def _setting_of(name: str) -> sa.Select[Any]:
    return sa.select(meta.c.value).where(meta.c.name == name)


def _prepare(database: Database) -> None:
    with our_errors(database), database.engine.connect() as connection:
        exists = sa.inspect(connection).has_table("meta")
    if not exists:
        _create(database)
        return
    found = _schema(database)
    version = _number(found)
    if OLDEST <= version < SCHEMA_VERSION:
        _bring_up(database, version)
    elif version != SCHEMA_VERSION:
        raise StateUnusable(
            f"the state database has schema {found}, this version knows {SCHEMA_VERSION}",
            hint="use the version of reconciler that wrote it; nothing was changed",
            details=[("state", name_of(database))],
        )


def _schema(database: Database) -> str | None:
    with database.read() as connection:
        return connection.execute(_setting_of("schema_version")).scalar_one_or_none()


def _number(found: str | None) -> int:
    return int(found) if found is not None and found.isdigit() else 0


def _bring_up(database: Database, version: int) -> None:
    """Migrate, where nobody of an earlier version works with the state. Raises StateInUse."""
    if database.path is None:
        with database.write() as connection:
            worker = who_works(connection, version, utc_now())
            if worker is not None:
                raise _in_use(database, version, worker)
            migrate(connection)
        return
    until = time.monotonic() + _ALONE_SECONDS
    while not _migrated_alone(database):
        # Commands end soon. Another one that wants to migrate, too, shall not meet us again.
        time.sleep(random.uniform(0.02, 0.2))  # noqa: S311  (no secret)
        if _number(_schema(database)) >= SCHEMA_VERSION:
            return
        if time.monotonic() > until:
            raise _in_use(database, version, "another process has it open")


def _migrated_alone(database: Database) -> bool:
    """Migrate an SQLite file that nobody else has open; False if somebody has.

    A daemon of any version has it open all the time: its tables never change under it.
    """
    database.engine.dispose()
    alone = Database(_engine("", database.path, alone=True), database.path)
    try:
        with alone.write() as connection:
            migrate(connection)
    except StateBusy:
        return False
    finally:
        alone.close()
    return True


def _in_use(database: Database, version: int, why: str) -> StateInUse:
    return StateInUse(
        f"the state is used by a daemon or a command of an earlier version (schema {version}, "
        f"this one needs {SCHEMA_VERSION})",
        hint="stop it first; nothing was changed",
        details=[("state", name_of(database)), ("found", why)],
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
