"""What engines can do is kept: the newest answer of each, read without changing the state."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.model.capability import Backend, BackendKind, Capability, Recorded, read_recorded
from reconciler.store.capabilities import record, recorded
from reconciler.store.database import Database, open_database
from reconciler.store.sqlite_file import sqlite_path, texts_of

URL = "sqlite:///state.db"
CLASSIC = Backend(kind=BackendKind.CLASSIC, version="20.10.24", platforms=("linux/amd64",))


def found(engine: str = "auto", *, buildkit: str | None = None, version: str = "20.10") -> Recorded:
    capability = Capability(
        engine=engine,
        buildkit=buildkit,
        version=version,
        runs=("linux/amd64",),
        backends=(CLASSIC,),
        at=datetime(2026, 11, 21, 12, tzinfo=UTC),
    )
    return Recorded(capability=capability, by="lead@contoso.example", command="doctor")


def keep(database: Database, *items: Recorded) -> None:
    with database.write() as connection:
        for item in items:
            record(connection, item)


def read(database: Database) -> tuple[Recorded, ...]:
    with database.read() as connection:
        return recorded(connection)


def test_an_answer_takes_the_place_of_the_last_one_of_that_engine(tmp_path: Path) -> None:
    database = open_database(URL, tmp_path)
    beside = found(buildkit="tcp://builder:1234")
    keep(database, found(), found("tcp://arm:2376"), beside, found(version="28.1"))
    assert read(database) == (found(version="28.1"), beside, found("tcp://arm:2376"))
    database.close()


@pytest.mark.parametrize("is_open", [True, False])
def test_the_file_is_read_without_sqlalchemy_and_stays_as_it_is(
    tmp_path: Path, is_open: bool
) -> None:
    database = open_database(URL, tmp_path)
    keep(database, found())
    if not is_open:
        database.close()
    before = sorted(path.name for path in tmp_path.iterdir())
    path = sqlite_path(URL, tmp_path)
    assert path is not None
    assert read_recorded(texts_of(path, "capabilities", "document")) == (found(),)
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    database.close()


def test_a_file_that_is_not_there_or_of_an_earlier_schema_says_nothing(tmp_path: Path) -> None:
    assert list(texts_of(tmp_path / "none.db", "capabilities", "document")) == []
    assert not (tmp_path / "none.db").exists()
    old = tmp_path / "a state?#.db"
    with sqlite3.connect(old) as connection:
        connection.execute("CREATE TABLE meta (name TEXT)")
    connection.close()
    assert list(texts_of(old, "capabilities", "document")) == []


def test_what_another_version_wrote_otherwise_says_nothing() -> None:
    good = found().model_dump_json(by_alias=True)
    assert read_recorded(["{}", "no JSON", good.replace("classic", "kaniko"), good]) == (found(),)


def test_a_state_that_is_no_file_has_no_path(tmp_path: Path) -> None:
    assert sqlite_path("postgresql+psycopg://host/name", tmp_path) is None
