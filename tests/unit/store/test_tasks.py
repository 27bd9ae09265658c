"""Live and last applied: two tables, never mixed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.base.errors import StateUnusable
from reconciler.store.database import Database, open_database
from reconciler.store.tasks import (
    TaskRow,
    delete_live,
    forget_applied,
    put_live,
    read_applied,
    read_live,
    remember_applied,
)

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ROW = TaskRow("contoso/web-api", "{}", "lead", NOW, "specs/web.yaml", "4be02d1", "a-1")


@pytest.fixture(name="database")
def new_database(tmp_path: Path) -> Iterator[Database]:
    database = open_database("sqlite:///state.db", tmp_path)
    yield database
    database.close()


def test_what_is_applied_comes_back_with_file_and_commit_and_is_not_live(
    database: Database,
) -> None:
    with database.write() as connection:
        remember_applied(connection, ROW)
        remember_applied(connection, ROW)
    with database.read() as connection:
        assert list(read_applied(connection)) == [ROW]
        assert list(read_live(connection)) == []


def test_each_thing_remembered_or_forgotten_counts_the_state_up(database: Database) -> None:
    with database.write() as connection:
        remember_applied(connection, ROW)
        forget_applied(connection, ROW.address)
    assert database.setting("serial") == "2"


def test_live_tasks_are_replaced_and_deleted_by_address(database: Database) -> None:
    with database.write() as connection:
        put_live(connection, "contoso/b", "{}", by="lead", at=NOW)
        put_live(connection, "contoso/a", "{}", by="lead", at=NOW)
        put_live(connection, "contoso/a", '{"x":1}', by="dev", at=NOW)
        assert delete_live(connection, "contoso/b")
        assert not delete_live(connection, "contoso/b")
    with database.read() as connection:
        (row,) = read_live(connection)
    assert (row.document, row.changed_by, row.changed_at) == ('{"x":1}', "dev", NOW)


def test_a_damaged_moment_is_told(database: Database) -> None:
    with database.write() as connection:
        put_live(connection, "contoso/a", "{}", by="lead", at=NOW)
        connection.exec_driver_sql("UPDATE live_tasks SET changed_at = 'soon'")
    with database.read() as connection, pytest.raises(StateUnusable, match="moment"):
        list(read_live(connection))
