"""The first look at a state says what reading it says, or nothing."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.model.tracked import TaskBases
from reconciler.store import journal
from reconciler.store.database import Database, open_database
from reconciler.store.glance import Glance, glance
from reconciler.store.task_bases import put_bases, untracked_tasks
from reconciler.store.tasks import (
    TaskRow,
    applied_digests,
    live_digests,
    put_live,
    remember_applied,
)

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture(name="database")
def filled_database(tmp_path: Path) -> Iterator[Database]:
    """As applied, changed live, gone live, live alone; with text that is not ASCII."""
    database = open_database("sqlite:///state ?#%.db", tmp_path)
    with database.write() as connection:
        for name in ("as-applied", "changed", "gone"):
            remember_applied(
                connection, TaskRow(f"contoso/{name}", '{"x":"ä"}', "lead", NOW, apply_id="a-0")
            )
        put_live(connection, "contoso/as-applied", '{"x":"ä"}', by="lead", at=NOW)
        put_live(connection, "contoso/changed", '{"x":"ö"}', by="dev", at=NOW)
        put_live(connection, "contoso/alone", '{"x":"ü"}', by="dev", at=NOW)
    yield database
    database.close()


def path_of(database: Database) -> Path:
    assert database.path is not None
    return database.path


def test_a_glance_sees_what_the_state_holds(database: Database) -> None:
    with database.read() as connection:
        applied, live = applied_digests(connection), live_digests(connection)
    assert (len(applied), len(live)) == (3, 3)
    assert applied["contoso/changed"] != live["contoso/changed"]
    assert glance(path_of(database)) == Glance(
        database.setting("state_id"), 3, applied, live, frozenset()
    )


def test_while_an_apply_is_at_work_or_was_killed_there_is_no_glance(database: Database) -> None:
    row = journal.ApplyRow("a-1", "p-1", "sha256:0", "lead", "here", NOW, 1)
    with database.write() as connection:
        journal.begin(connection, row)
    assert glance(path_of(database)) is None
    with database.write() as connection:
        journal.finish(connection, "a-1", "interrupted", NOW)
    assert glance(path_of(database)) is not None


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE meta SET value = '1' WHERE name = 'schema_version'",
        "UPDATE meta SET value = 'many' WHERE name = 'serial'",
        "DELETE FROM meta WHERE name = 'state_id'",
        "DROP TABLE live_tasks",
    ],
)
def test_a_state_that_is_otherwise_than_it_mostly_is_has_to_be_opened(
    database: Database, harm: str
) -> None:
    database.close()
    connection = sqlite3.connect(path_of(database))
    connection.execute(harm)
    connection.commit()
    connection.close()
    assert glance(path_of(database)) is None


def test_a_glance_at_no_state_makes_none(tmp_path: Path) -> None:
    assert glance(tmp_path / "state.db") is None
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "other.db").write_bytes(b"no database")
    assert glance(tmp_path / "other.db") is None


def test_a_document_that_is_no_text_is_not_taken_for_what_was_applied(database: Database) -> None:
    database.close()
    connection = sqlite3.connect(path_of(database))
    where = "WHERE address = 'contoso/as-applied'"
    connection.execute(f"UPDATE live_tasks SET document = CAST(x'ff' AS TEXT) {where}")  # noqa: S608
    connection.commit()
    connection.close()
    found = glance(path_of(database))
    assert found is not None
    assert found.live["contoso/as-applied"] != found.applied["contoso/as-applied"]


def test_a_glance_needs_no_room_on_the_disk(database: Database) -> None:
    expected = glance(path_of(database))
    database.close()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))  # as if the disk were full
    try:
        seen = glance(path_of(database))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert seen is not None
    assert seen == expected


def test_a_glance_and_the_database_agree_on_what_nobody_looked_at(database: Database) -> None:
    with database.write() as connection:
        for name in ("looked", "unlooked"):
            row = TaskRow(
                f"contoso/{name}",
                '{"spec":{"triggers":{"baseImage":{}}}}',
                "lead",
                NOW,
                apply_id="a-1",
            )
            remember_applied(connection, row)
        put_bases(connection, "contoso/looked", TaskBases(), "declared", NOW)
    seen = glance(path_of(database))
    with database.read() as connection:
        found = list(untracked_tasks(connection))
    assert found == ["contoso/unlooked"]
    assert seen is not None
    assert seen.untracked == frozenset(found)
