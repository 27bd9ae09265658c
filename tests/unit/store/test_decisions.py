from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from reconciler.store.database import open_database

URL = "sqlite:///state.db"


def test_a_state_of_before_finds_what_followed_a_commit_without_reading_all(tmp_path: Path) -> None:
    open_database(URL, tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection, connection:
        connection.execute("DROP INDEX decisions_by_previous")
        connection.execute("UPDATE meta SET value = '10' WHERE name = 'schema_version'")
    database = open_database(URL, tmp_path)
    asked = "SELECT id FROM decisions WHERE previous = 'x' AND task = 'a/b' AND subject = 'y'"
    with database.read() as opened:
        (step,) = opened.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}")
    database.close()
    assert "decisions_by_previous" in str(step)
