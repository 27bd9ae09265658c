"""A state of an earlier schema is brought to this one, and keeps all it holds."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from reconciler.store.database import open_database
from reconciler.store.images import list_images
from reconciler.store.polled import Known, known_refs, save_refs
from reconciler.store.polled_looks import troubled_looks
from reconciler.store.schema import metadata
from reconciler.store.version import SCHEMA_VERSION

URL = "sqlite:///state.db"
OF_THE_WATCH = ("rebuilds", "image_moves", "image_events", "images", "registry_pauses")
OF_POLLING = ("polled_looks", "polled_refusals")
OF_THE_DAEMON = (
    *OF_THE_WATCH,
    "polled_refs",
    *OF_POLLING,
    "pools",
    "queue",
    "deliveries",
    "decisions",
    "timers",
)


def as_version_1(folder: Path) -> None:
    """A state as version 1 left it, with an apply in it."""
    as_version_2(folder)
    with sqlite3.connect(folder / "state.db") as connection:
        connection.execute("DROP TABLE events")
        for name in ("plan", "number"):
            connection.execute(f"ALTER TABLE applies DROP COLUMN {name}")
        connection.execute(
            "INSERT INTO applies VALUES ('a-1','p-1','sha256:0','lead','host','2026',NULL,'done',1)"
        )
        connection.execute("UPDATE meta SET value = '1' WHERE name = 'schema_version'")
    connection.close()


def as_version_2(folder: Path) -> None:
    """A state as version 2 left it: nothing of engines, of base images, or of a queue."""
    open_database(URL, folder).close()
    with sqlite3.connect(folder / "state.db") as connection:
        for name in ("capabilities", "base_readings", "task_bases", *OF_THE_DAEMON):
            connection.execute(f"DROP TABLE {name}")
        connection.execute("UPDATE meta SET value = '2' WHERE name = 'schema_version'")
    connection.close()


def shape(folder: Path) -> dict[str, set[str]]:
    with sqlite3.connect(folder / "state.db") as connection:
        found = {
            name: {row[1] for row in connection.execute(f"PRAGMA table_info({name})")}
            for name in metadata.tables
        }
    connection.close()
    return found


def test_version_1_is_brought_up_and_keeps_its_applies_and_its_key(tmp_path: Path) -> None:
    as_version_1(tmp_path)
    database = open_database(URL, tmp_path)
    with database.read() as connection:
        (row,) = connection.exec_driver_sql("SELECT id, outcome, plan FROM applies")
        assert tuple(row) == ("a-1", "done", None)
    key = database.key
    assert database.setting("schema_version") == str(SCHEMA_VERSION)
    database.close()
    assert open_database(URL, tmp_path).key == key
    assert shape(tmp_path) == {
        name: set(table.columns.keys()) for name, table in metadata.tables.items()
    }


def test_version_2_is_brought_up_and_nothing_is_known_of_bases(tmp_path: Path) -> None:
    as_version_2(tmp_path)
    database = open_database(URL, tmp_path)
    with database.read() as connection:
        assert list(connection.exec_driver_sql("SELECT * FROM base_readings")) == []
    database.close()
    assert shape(tmp_path) == {
        name: set(table.columns.keys()) for name, table in metadata.tables.items()
    }


def test_version_5_is_brought_up_and_keeps_its_queue(tmp_path: Path) -> None:
    open_database(URL, tmp_path).close()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        for name in (*OF_THE_WATCH, *OF_POLLING, "polled_refs"):
            connection.execute(f"DROP TABLE {name}")
        for name in ("crowd", "crowd_cap"):
            connection.execute(f"ALTER TABLE queue DROP COLUMN {name}")
        connection.execute(
            "INSERT INTO runs (id, status, queued, record) VALUES ('r1', 'Queued', '2026', '{}')"
        )
        connection.execute(
            "INSERT INTO queue (run_id, pool, priority, clock) VALUES ('r1', 'default', 0, 'a')"
        )
        connection.execute("UPDATE meta SET value = '5' WHERE name = 'schema_version'")
    connection.close()
    database = open_database(URL, tmp_path)
    with database.read() as opened:
        rows = list(opened.exec_driver_sql("SELECT run_id, crowd, crowd_cap FROM queue"))
    database.close()
    assert [tuple(row) for row in rows] == [("r1", None, None)]
    assert shape(tmp_path) == {
        name: set(table.columns.keys()) for name, table in metadata.tables.items()
    }


def test_version_9_is_brought_up_and_knows_which_tags_were_not_there(tmp_path: Path) -> None:
    open_database(URL, tmp_path).close()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("DROP TABLE registry_pauses")
        connection.execute("ALTER TABLE images DROP COLUMN seen_at")
        connection.executemany(
            "INSERT INTO images (reference, digest, checked_at, next_at, failures, message) "
            "VALUES (?, ?, 5, 6, 0, ?)",
            [
                ("a/new:1", None, None),
                ("b/gone:1", None, "the registry has no such tag"),
                ("c/there:1", "sha256:1", None),
                ("d/refused:1", "sha256:2", "the registry has no such tag"),
                ("e/never:1", None, "log in"),
            ],
        )
        connection.execute("UPDATE meta SET value = '9' WHERE name = 'schema_version'")
    connection.close()
    database = open_database(URL, tmp_path)
    found = {one.reference[0]: (one.absent, one.seen_at) for one in list_images(database)}
    database.close()
    assert found == {
        "a": (False, 5.0),
        "b": (True, None),
        "c": (False, 5.0),
        "d": (False, None),
        "e": (False, None),
    }
    assert shape(tmp_path) == {
        name: set(table.columns.keys()) for name, table in metadata.tables.items()
    }


def test_version_11_is_brought_up_and_knows_where_polled_refs_were(tmp_path: Path) -> None:
    database = open_database(URL, tmp_path)
    save_refs(database, "https://a/b.git", Known({"refs/heads/main": "1" * 40}, tags=False))
    database.close()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        for name in OF_POLLING:
            connection.execute(f"DROP TABLE {name}")
        connection.execute("UPDATE meta SET value = '11' WHERE name = 'schema_version'")
    connection.close()
    database = open_database(URL, tmp_path)
    known = known_refs(database, "https://a/b.git")
    with database.read() as opened:
        assert troubled_looks(opened) == []
    database.close()
    assert known is not None
    assert known.refs == {"refs/heads/main": "1" * 40}
    assert shape(tmp_path) == {
        name: set(table.columns.keys()) for name, table in metadata.tables.items()
    }


def indexes(folder: Path) -> set[str]:
    with sqlite3.connect(folder / "state.db") as connection:
        rows = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'index'")
        found = {" ".join(row[0].split()) for row in rows if row[0]}
    connection.close()
    return found


def test_version_11_is_brought_up_and_has_the_indexes_of_a_new_state(tmp_path: Path) -> None:
    open_database(URL, tmp_path).close()
    new = indexes(tmp_path)
    assert "CREATE INDEX queue_by_order ON queue (pool, priority DESC, position)" in new
    with sqlite3.connect(tmp_path / "state.db") as connection:
        for change in (
            "DROP INDEX queue_by_order",
            "DROP INDEX queue_by_worker",
            "DROP INDEX decisions_by_delivery",
            "CREATE INDEX queue_by_order ON queue (pool, priority, position)",
            "CREATE INDEX queue_by_series ON queue (series)",
            "CREATE INDEX decisions_by_delivery ON decisions (hook, delivery)",
            "UPDATE meta SET value = '11' WHERE name = 'schema_version'",
        ):
            connection.execute(change)
    connection.close()
    assert indexes(tmp_path) != new
    open_database(URL, tmp_path).close()
    assert indexes(tmp_path) == new
