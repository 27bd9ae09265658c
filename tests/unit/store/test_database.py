"""Opening the state: made once, private, and clear about what is wrong with it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from reconciler.base.errors import StateUnusable
from reconciler.store import database as module
from reconciler.store.database import open_database
from reconciler.store.schema import meta
from reconciler.store.version import SCHEMA_VERSION

URL = "sqlite:///.reconciler/state.db"


def test_the_state_is_made_on_first_use_and_found_again(tmp_path: Path) -> None:
    first = open_database(URL, tmp_path)
    made = first.setting("state_id"), first.key
    first.close()
    again = open_database(URL, tmp_path)
    assert (again.setting("state_id"), again.key) == made
    again.close()


def test_two_states_have_two_names_and_two_keys(tmp_path: Path) -> None:
    one, other = (open_database(f"sqlite:///{name}.db", tmp_path) for name in ("a", "b"))
    assert one.setting("state_id") != other.setting("state_id")
    assert one.key != other.key


def test_nobody_else_can_read_the_key_not_even_beside_the_file(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        database = open_database("sqlite:///state.db", tmp_path)
        with database.write() as connection:
            connection.execute(sa.update(meta).where(meta.c.name == "serial").values(value="1"))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes["state.db-wal"] == 0o600
    assert set(modes.values()) == {0o600}


def test_a_folder_we_make_is_private_and_ignored_by_git(tmp_path: Path) -> None:
    open_database(URL, tmp_path).close()
    assert stat.S_IMODE((tmp_path / ".reconciler").stat().st_mode) == 0o700
    assert (tmp_path / ".reconciler/.gitignore").read_text() == "*\n"


@pytest.mark.parametrize("name", ["a?mode=ro", "a#b", "a%20b", "ä b", "a;b&c"])
def test_any_path_is_taken_literally(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    open_database("sqlite:///state.db", folder).close()
    assert (folder / "state.db").exists()


def _refused(url: str, folder: Path) -> StateUnusable:
    with pytest.raises(StateUnusable) as caught:
        open_database(url, folder)
    return caught.value


@pytest.mark.parametrize(
    "damage",
    [
        b"this is no database at all, just text " * 100,
        b"SQLite format 3\0" + b"\xff" * 4000,
        b"\0" * 8192,
    ],
)
def test_a_damaged_file_is_told_and_left_as_it_is(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "state.db").write_bytes(damage)
    error = _refused("sqlite:///state.db", tmp_path)
    assert "damaged" in error.message
    assert ("state", str(tmp_path / "state.db")) in error.details
    assert (tmp_path / "state.db").read_bytes() == damage


def _with_meta(path: Path, statement: str, *values: str) -> None:
    open_database(f"sqlite:///{path.name}", path.parent).close()
    with sqlite3.connect(path) as connection:
        connection.execute(statement, values)
    connection.close()


@pytest.mark.parametrize("version", ["99", "0", "x", ""])
def test_another_schema_is_refused_naming_both(tmp_path: Path, version: str) -> None:
    path = tmp_path / "state.db"
    _with_meta(path, "UPDATE meta SET value = ? WHERE name = 'schema_version'", version)
    error = _refused("sqlite:///state.db", tmp_path)
    assert f"schema {version}, this version knows {SCHEMA_VERSION}" in error.message


def test_a_lost_setting_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    _with_meta(path, "DELETE FROM meta WHERE name = 'key'")
    database = open_database("sqlite:///state.db", tmp_path)
    with pytest.raises(StateUnusable, match="damaged"):
        _ = database.key


def test_a_lost_table_is_damage(tmp_path: Path) -> None:
    _with_meta(tmp_path / "state.db", "DROP TABLE live_tasks")
    database = open_database("sqlite:///state.db", tmp_path)
    with pytest.raises(StateUnusable, match="damaged"), database.read() as connection:
        connection.exec_driver_sql("SELECT * FROM live_tasks")


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    error = _refused("sqlite:////proc/nowhere/state.db", tmp_path)
    assert "cannot be opened" in error.message
    assert error.hint is not None
    (tmp_path / "file").write_text("")
    assert "cannot be opened" in _refused("sqlite:///file/state.db", tmp_path).message
    assert "cannot be opened" in _refused("sqlite:///.", tmp_path).message


def test_a_state_that_became_read_only_says_so(tmp_path: Path) -> None:
    database = open_database("sqlite:///state.db", tmp_path)
    with database.read() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    with pytest.raises(StateUnusable, match="cannot be written"), database.write() as connection:
        connection.execute(sa.delete(meta))


def test_a_full_disk_says_so_and_keeps_what_was_there(tmp_path: Path) -> None:
    database = open_database("sqlite:///state.db", tmp_path)
    with database.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StateUnusable, match="disk is full"), database.write() as connection:
        connection.execute(sa.insert(meta).values(name="big", value="x" * 100_000))
    assert database.setting("serial") == "0"


def test_a_busy_state_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BUSY_SECONDS", 0)
    one, other = (open_database("sqlite:///state.db", tmp_path) for _ in range(2))
    with one.write(), pytest.raises(StateUnusable, match="is busy"), other.write():
        pass


def test_who_is_in_haste_does_not_wait_for_a_busy_state_and_others_do(tmp_path: Path) -> None:
    one, other = (open_database("sqlite:///state.db", tmp_path) for _ in range(2))
    with one.engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        driver.execute("BEGIN IMMEDIATE")
        with other.hasty(0), pytest.raises(StateUnusable, match="is busy"), other.write():
            pass
        commit = threading.Timer(0.2, driver.execute, ["COMMIT"])
        commit.start()
        with other.write():  # on the same connection
            pass
        commit.join()
    one.close()
    other.close()


def test_a_missing_driver_is_named_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    error = _refused("postgresql+psycopg://db.contoso.example/state", tmp_path)
    assert "psycopg" in error.message
    assert "[postgres]" in (error.hint or "")


def test_a_writer_that_is_just_making_the_file_is_waited_for(tmp_path: Path) -> None:
    writer = sqlite3.connect(tmp_path / "state.db", isolation_level=None, check_same_thread=False)
    writer.execute("CREATE TABLE other (x)")
    writer.execute("BEGIN IMMEDIATE")  # SQLite refuses to change the journal beside this, at once
    commit = threading.Timer(0.1, writer.execute, ["COMMIT"])
    commit.start()
    open_database("sqlite:///state.db", tmp_path).close()
    commit.join()
    writer.close()


_OPEN = """
import sys; from pathlib import Path; from reconciler.store.database import open_database
print(open_database("sqlite:///state.db", Path(sys.argv[1])).setting("state_id"))
"""


def test_processes_that_make_the_state_at_once_make_one(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", _OPEN, str(tmp_path)]
    started = [
        subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    outputs = [process.communicate() for process in started]
    assert [error for _, error in outputs if error] == []
    assert len({name for name, _ in outputs}) == 1


def test_a_kept_connection_is_that_of_every_transaction_of_its_thread_alone(tmp_path: Path) -> None:
    database = open_database(URL, tmp_path)
    seen = []

    def look() -> None:
        with database.read() as connection:
            seen.append(connection.connection.dbapi_connection)

    with database.keep_connection():
        for _ in range(2):
            look()
        other = threading.Thread(target=look)
        other.start()
        other.join()
        with database.write() as connection:
            seen.append(connection.connection.dbapi_connection)
            look()  # in the middle of another transaction: a view of its own
    first, second, of_other, of_write, inside = seen
    assert first is second is of_write
    assert of_other is not first
    assert inside is not first
    database.close()


def test_a_write_on_a_kept_connection_is_undone_as_a_whole(tmp_path: Path) -> None:
    database = open_database(URL, tmp_path)
    before = database.setting("serial")
    with database.keep_connection():
        with contextlib.suppress(ZeroDivisionError), database.write() as connection:
            connection.execute(sa.update(meta).where(meta.c.name == "serial").values(value="9"))
            raise ZeroDivisionError
        assert database.setting("serial") == before
        with database.write() as connection:
            connection.execute(sa.update(meta).where(meta.c.name == "serial").values(value="8"))
    assert database.setting("serial") == "8"
    database.close()


def test_a_write_waits_for_another_writer_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BUSY_SECONDS", 0)
    database = open_database(URL, tmp_path)
    other = sqlite3.connect(tmp_path / ".reconciler/state.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with (
        database.keep_connection(),
        pytest.raises(StateUnusable, match="is busy"),
        database.write(),
    ):
        pass
    other.execute("ROLLBACK")
    with database.write() as connection:  # nothing of the failed one is left
        connection.execute(sa.update(meta).where(meta.c.name == "serial").values(value="7"))
    assert database.setting("serial") == "7"
    other.close()
    database.close()
