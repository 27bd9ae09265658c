"""A state of an earlier version is not brought up under those who work with it."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.base.errors import StateInUse, StateUnusable
from reconciler.store import database as module
from reconciler.store.database import Database, open_database
from reconciler.store.in_use import who_works
from reconciler.store.version import SCHEMA_VERSION

URL = "sqlite:///state.db"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ALONE_SECONDS", 0.3)


def as_the_version_before(folder: Path) -> None:
    open_database(URL, folder).close()
    with closing(sqlite3.connect(folder / "state.db")) as connection:
        connection.execute(
            "UPDATE meta SET value = ? WHERE name = 'schema_version'", (str(SCHEMA_VERSION - 1),)
        )
        connection.commit()


def schema(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "state.db")) as connection:
        (row,) = connection.execute("SELECT value FROM meta WHERE name = 'schema_version'")
        return str(row[0])


@contextmanager
def an_idle_daemon(folder: Path) -> Iterator[sqlite3.Connection]:
    """A connection without a transaction, as a pool keeps it between two uses."""
    with closing(sqlite3.connect(folder / "state.db", isolation_level=None)) as connection:
        connection.execute("SELECT * FROM meta").fetchall()
        yield connection


def test_a_state_that_an_earlier_version_has_open_is_left_as_it_is(tmp_path: Path) -> None:
    as_the_version_before(tmp_path)
    with an_idle_daemon(tmp_path), pytest.raises(StateInUse) as told:
        open_database(URL, tmp_path)
    assert told.value.exit_code == 5
    assert f"schema {SCHEMA_VERSION - 1}, this one needs {SCHEMA_VERSION}" in told.value.message
    assert "stop it first" in (told.value.hint or "")
    assert schema(tmp_path) == str(SCHEMA_VERSION - 1)


def test_it_is_brought_up_once_the_earlier_version_is_gone(tmp_path: Path) -> None:
    as_the_version_before(tmp_path)
    with an_idle_daemon(tmp_path), pytest.raises(StateInUse):
        open_database(URL, tmp_path)
    open_database(URL, tmp_path).close()
    assert schema(tmp_path) == str(SCHEMA_VERSION)


def test_a_command_of_the_earlier_version_that_ends_soon_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_the_version_before(tmp_path)
    monkeypatch.setattr(module, "_ALONE_SECONDS", 60.0)
    with an_idle_daemon(tmp_path) as command:
        # It ends when it was met for the first time.
        monkeypatch.setattr(time, "sleep", lambda _seconds: command.close())
        open_database(URL, tmp_path).close()
    assert schema(tmp_path) == str(SCHEMA_VERSION)


def test_whoever_has_it_open_may_use_it_afterwards_as_ever(tmp_path: Path) -> None:
    as_the_version_before(tmp_path)
    first = open_database(URL, tmp_path)
    second = open_database(URL, tmp_path)
    with first.read(), second.write() as connection:
        connection.exec_driver_sql("UPDATE meta SET value = '7' WHERE name = 'serial'")
    assert first.setting("serial") == "7"
    first.close()
    second.close()


def test_of_many_that_come_together_one_brings_it_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_the_version_before(tmp_path)
    monkeypatch.setattr(module, "_ALONE_SECONDS", 60.0)
    begin, opened, failed = threading.Barrier(4), list[Database](), list[StateUnusable]()

    def come() -> None:
        begin.wait()
        try:
            opened.append(open_database(URL, tmp_path))
        except StateUnusable as error:
            failed.append(error)

    threads = [threading.Thread(target=come) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(opened), failed) == (4, [])
    assert {one.setting("schema_version") for one in opened} == {str(SCHEMA_VERSION)}
    for one in opened:
        one.close()


# ------------------------------------------------- what the state itself tells
@pytest.fixture(name="state")
def _state(tmp_path: Path) -> Iterator[Database]:
    found = open_database(URL, tmp_path)
    yield found
    found.close()


def asked(state: Database, version: int = SCHEMA_VERSION) -> str | None:
    with state.read() as connection:
        return who_works(connection, version, NOW)


def written(state: Database, statement: str, *values: object) -> None:
    with state.write() as connection:
        connection.exec_driver_sql(statement, tuple(values))


def test_nobody_works_with_a_state_at_rest(state: Database) -> None:
    assert asked(state) is None


@pytest.mark.parametrize(("ago", "there"), [(10, True), (59, True), (61, False)])
def test_a_worker_counts_for_a_minute(state: Database, ago: int, there: bool) -> None:
    at = f"{NOW - timedelta(seconds=ago):%Y-%m-%dT%H:%M:%SZ}"
    written(state, "INSERT INTO pools VALUES ('default', ?)", at)
    assert asked(state) == (f"a worker of the pool default at {at}" if there else None)
    assert asked(state, 8) is None  # there was no such table


@pytest.mark.parametrize(("until", "there"), [(1e12, True), (0.0, False)])
def test_a_run_counts_until_its_lease_is_over(state: Database, until: float, there: bool) -> None:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    written(
        state,
        "INSERT INTO runs (id, status, queued, record) VALUES ('r1', 'Running', '2026', '{}')",
    )
    written(
        state,
        "INSERT INTO queue (run_id, pool, priority, worker, lease_until, clock)"
        " VALUES ('r1', 'default', 0, 'w', ?, ?)",
        until,
        boot,
    )
    assert asked(state) == ("run r1 by w" if there else None)
    assert asked(state, 4) is None


@pytest.mark.parametrize(("ends", "there"), [(NOW + timedelta(seconds=9), True), (NOW, False)])
def test_an_apply_counts_until_its_lock_is_over(
    state: Database, ends: datetime, there: bool
) -> None:
    written(
        state,
        "INSERT INTO locks VALUES ('state', 't', 'lead', 'host1', 1, '1', 'apply', '2026', ?)",
        f"{ends:%Y-%m-%dT%H:%M:%SZ}",
    )
    assert asked(state, 1) == ("apply on host1" if there else None)
