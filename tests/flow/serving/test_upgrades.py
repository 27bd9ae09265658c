"""A daemon whose state is of another version: it says so, takes nothing, and loses no run."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from reconciler.base.errors import NotBegun
from reconciler.operations.serving.daemon import Daemon as Served
from reconciler.operations.serving.daemon import Parts
from reconciler.operations.workspace import open_workspace
from reconciler.server.app import make_app
from reconciler.server.listen import listening, open_socket
from reconciler.store.version import SCHEMA_VERSION
from tests.flow.project import Project
from tests.flow.serving.desk import SECRET, daemon, eventually
from tests.flow.serving.test_hooks import served
from tests.unit.wire.payloads import push

LATER = SCHEMA_VERSION + 1


@pytest.fixture(name="project")
def applied(tmp_path: Path) -> Project:
    return served(tmp_path / "workspace")


def write_schema(root: Path, version: int) -> None:
    """The mark of another version, which none would set on a file that is open."""
    with closing(sqlite3.connect(root / ".reconciler" / "state.db", timeout=20)) as connection:
        connection.execute(
            "UPDATE meta SET value = ? WHERE name = 'schema_version'", (str(version),)
        )
        connection.commit()


def queue_of(root: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(root / ".reconciler" / "state.db", timeout=20)) as connection:
        return connection.execute("SELECT worker, losses FROM queue").fetchall()


def test_a_command_of_a_later_version_does_not_touch_the_state_of_a_daemon(
    project: Project,
) -> None:
    write_schema(project.root, SCHEMA_VERSION - 1)
    with closing(sqlite3.connect(project.root / ".reconciler" / "state.db")) as idle:
        idle.execute("SELECT * FROM meta").fetchall()
        done = project.run("runs")
        assert done.code == 5
        assert "the state is used by a daemon or a command of an earlier version" in done.err
        assert "stop it first" in done.err
    assert project.run("runs").code == 0


def test_a_daemon_whose_state_became_another_ones_says_so_and_is_to_be_started_again(
    project: Project,
) -> None:
    with daemon(project.root, "--no-worker") as at:
        assert at.post(push()).status_code == 202
        write_schema(project.root, LATER)
        assert at.process.wait(timeout=60) == 1
    (told,) = at.told("state")
    assert f"to schema {LATER}, and this daemon knows {SCHEMA_VERSION}" in told["error"]
    assert queue_of(project.root) == [(None, 0)]


def test_it_is_unready_at_once_and_takes_nothing(project: Project) -> None:
    opened = open_workspace(project.root, {"HOOK_SECRET": SECRET})
    at = Served(opened, Parts(worker=False), lambda *_: None, threading.Event())
    client = httpx.Client(timeout=30, trust_env=False)
    try:
        found = open_socket("127.0.0.1:0")
        url = f"http://127.0.0.1:{found.getsockname()[1]}"
        with at.running(), listening(make_app(at.doors), found), client:
            eventually(lambda: client.get(f"{url}/readyz").status_code == 200)
            write_schema(project.root, LATER)
            eventually(lambda: client.get(f"{url}/readyz").status_code == 503)
            assert "knows" in client.get(f"{url}/readyz").json()["checks"]["state"]
            assert at.hurry.is_set()
    finally:
        opened.close()


def test_the_program_of_a_run_that_cannot_open_the_state_says_that_nothing_was_begun(
    project: Project,
) -> None:
    write_schema(project.root, LATER)
    done = project.run("leased-run", "r1", "worker", "1")
    assert done.code == NotBegun.exit_code
    assert f"has schema {LATER}, this version knows {SCHEMA_VERSION}" in done.err
