"""The journal: noted before, settled after, and what is open is found again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.store import journal
from reconciler.store.database import Database, open_database
from reconciler.store.journal import ApplyRow, WriteRow

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
APPLY = ApplyRow("a-1", "p-1", "sha256:0", "lead", "build-1", NOW, 3)


def write(position: int) -> WriteRow:
    return WriteRow(
        "a-1", position, f"contoso/{position}", None, "create", journal.INTENDED, None, "x", "{}"
    )


@pytest.fixture(name="database")
def begun(tmp_path: Path) -> Iterator[Database]:
    database = open_database("sqlite:///state.db", tmp_path)
    with database.write() as connection:
        journal.begin(connection, APPLY)
        journal.intend(connection, [write(number) for number in (1, 2, 3)], NOW)
    yield database
    database.close()


def states(database: Database) -> list[str]:
    with database.read() as connection:
        return [row.state for row in journal.writes_of(connection, "a-1")]


def test_what_was_noted_is_read_back_in_order(database: Database) -> None:
    with database.read() as connection:
        assert journal.unfinished(connection) == [APPLY]
        assert journal.writes_of(connection, "a-1") == [write(1), write(2), write(3)]


def test_settling_one_write_leaves_the_others_open(database: Database) -> None:
    with database.write() as connection:
        journal.settle(connection, "a-1", 2, journal.DONE, now=NOW)
    assert states(database) == ["intended", "done", "intended"]


def test_giving_up_settles_all_that_is_still_intended(database: Database) -> None:
    with database.write() as connection:
        journal.settle(connection, "a-1", 1, journal.DONE, now=NOW)
        journal.give_up(connection, "a-1", NOW)
    assert states(database) == ["done", "not-done", "not-done"]


def test_a_finished_apply_is_no_longer_open(database: Database) -> None:
    with database.write() as connection:
        journal.finish(connection, "a-1", "done", NOW)
        assert journal.unfinished(connection) == []
