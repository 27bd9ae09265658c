"""What applied tasks stand on: written, moved, corrected by runs, and asked for by image."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection

from reconciler.model.tracked import TaskBases, TrackedBase, tracked_reference
from reconciler.store.database import Database, open_database
from reconciler.store.task_bases import (
    all_known,
    all_standers,
    forget_bases,
    observe_bases,
    put_bases,
    read_bases,
    rename_bases,
    tasks_on,
)
from reconciler.store.tasks import TaskRow, remember_applied

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
ALPINE = TrackedBase(
    reference="docker.io/library/alpine:3.20",
    platform="linux/amd64",
    kind="runtime",
    file="web/Dockerfile",
    line=3,
)
GOLANG = "docker.io/library/golang:1.22"
GO = TrackedBase(reference=GOLANG, platform="linux/amd64", kind="buildtime")
BASES = TaskBases(images=(ALPINE, GO))
WEB = "contoso/web-api"


@pytest.fixture(name="database")
def opened(tmp_path: Path) -> Iterator[Database]:
    database = open_database("sqlite:///state.db", tmp_path)
    yield database
    database.close()


@pytest.fixture(name="connection")
def writing(database: Database) -> Iterator[Connection]:
    with database.write() as connection:
        yield connection


def apply(connection: Connection, address: str = WEB, at: datetime = NOW) -> None:
    remember_applied(connection, TaskRow(address, "{}", "lead", at, apply_id="a-1"))


def test_bases_are_read_back_and_replaced_as_a_whole(connection: Connection) -> None:
    assert read_bases(connection, WEB) is None
    put_bases(connection, WEB, BASES, "declared", NOW)
    found = read_bases(connection, WEB)
    assert found is not None
    assert (found.bases, found.source, found.at) == (BASES, "declared", NOW)
    put_bases(connection, WEB, TaskBases(unknown="x"), "declared", LATER)
    found = read_bases(connection, WEB)
    assert found is not None
    assert found.bases == TaskBases(unknown="x")
    assert not all_known(connection, WEB)


def test_who_stands_on_an_image_is_one_question(connection: Connection) -> None:
    put_bases(connection, "contoso/shop", TaskBases(images=(GO,)), "declared", NOW)
    put_bases(connection, WEB, BASES, "declared", NOW)
    found = [(one.address, one.base) for one in tasks_on(connection, GO.reference)]
    assert found == [("contoso/shop", GO), (WEB, GO)]
    assert tasks_on(connection, "docker.io/library/golang:1.23") == []
    assert len(list(all_standers(connection))) == 3


def test_bases_go_with_a_renamed_task_and_with_a_deleted_one(connection: Connection) -> None:
    put_bases(connection, WEB, BASES, "observed", NOW)
    rename_bases(connection, WEB, "contoso/web")
    assert read_bases(connection, WEB) is None
    found = read_bases(connection, "contoso/web")
    assert found is not None
    assert found.bases == BASES
    forget_bases(connection, "contoso/web")
    assert read_bases(connection, "contoso/web") is None
    assert tasks_on(connection, ALPINE.reference) == []


def test_a_run_corrects_and_keeps_the_places_that_were_read(connection: Connection) -> None:
    apply(connection)
    put_bases(connection, WEB, TaskBases(images=(ALPINE,), unknown="x"), "declared", NOW)
    seen = TrackedBase(reference=ALPINE.reference, platform="linux/arm64", kind="runtime")
    used = TaskBases(images=(seen, GO))
    observe_bases(connection, WEB, used, asked=NOW, at=LATER)
    found = read_bases(connection, WEB)
    assert found is not None
    assert (found.source, found.at, found.bases.unknown) == ("observed", LATER, None)
    assert [(one.platform, one.file, one.line) for one in found.bases.images] == [
        ("linux/arm64", "web/Dockerfile", 3),
        ("linux/amd64", None, None),
    ]


def test_a_run_from_before_the_last_apply_tells_nothing(connection: Connection) -> None:
    apply(connection, at=LATER)
    put_bases(connection, WEB, BASES, "declared", LATER)
    observe_bases(connection, WEB, TaskBases(), asked=NOW, at=LATER)
    assert all_known(connection, WEB)
    assert len(tasks_on(connection, GO.reference)) == 1


def test_a_run_of_a_task_that_is_gone_tells_nothing(connection: Connection) -> None:
    observe_bases(connection, WEB, BASES, asked=NOW, at=LATER)
    assert read_bases(connection, WEB) is None


@pytest.mark.parametrize(
    ("written", "reference"),
    [
        ("alpine", "docker.io/library/alpine:latest"),
        ("alpine:3.20", "docker.io/library/alpine:3.20"),
        ("index.docker.io/alpine", "docker.io/library/alpine:latest"),
        ("contoso/web", "docker.io/contoso/web:latest"),
        ("Registry.Contoso.example/web:1", "registry.contoso.example/web:1"),
        ("localhost:5000/web", "localhost:5000/web:latest"),
        (f"alpine:3@sha256:{'a' * 64}", f"docker.io/library/alpine@sha256:{'a' * 64}"),
    ],
)
def test_an_image_has_one_spelling(written: str, reference: str) -> None:
    assert tracked_reference(written) == reference
    assert tracked_reference(reference) == reference
