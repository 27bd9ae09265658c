"""A part of the daemon that breaks off is told, and ends the daemon: nothing stops in silence."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx
import pytest

from reconciler.operations.serving.daemon import Daemon as Served
from reconciler.operations.serving.daemon import Parts
from reconciler.operations.workspace import open_workspace
from reconciler.server.app import make_app
from reconciler.server.connections import Listener
from reconciler.server.listen import listening, open_socket
from tests.flow.project import Project
from tests.flow.serving.desk import SECRET, daemon, eventually, state
from tests.flow.serving.test_hooks import served
from tests.unit.wire.payloads import push

PLANTED = "planted-0123456789"


@pytest.fixture(name="project")
def with_a_damaged_run(tmp_path: Path) -> Project:
    """A run waits whose count of holders is a text: whoever claims it meets what nobody foresaw."""
    project = served(tmp_path / "workspace")
    with daemon(project.root, "--no-worker") as at:
        assert at.post(push()).status_code == 202
        assert at.stop() == 0
    with state(project.root) as opened, opened.write() as connection:
        connection.exec_driver_sql("UPDATE queue SET fence = ?", (PLANTED,))
    return project


def test_a_daemon_without_one_of_its_parts_stops_and_is_to_be_started_again(
    project: Project,
) -> None:
    with daemon(project.root) as at:
        assert at.process.wait(timeout=60) == 1
    (told,) = [line for line in at.told("worker") if "error" in line]
    assert told["error"] == "this part broke off: TypeError; the daemon stops"
    assert "store/claims.py" in told["at"]
    assert "serving/working.py" in told["at"]
    assert at.told("serve")[-1]["message"].startswith("stopping")
    assert all(line["part"] != "?" and PLANTED not in str(line) for line in at.lines)


def test_health_and_readiness_say_which_part_is_gone(project: Project) -> None:
    opened = open_workspace(project.root, {"HOOK_SECRET": SECRET})
    told: list[tuple[str, dict[str, str]]] = []
    at = Served(opened, Parts(), lambda *line: told.append(line), threading.Event())
    client = httpx.Client(timeout=30, trust_env=False)
    try:
        found = open_socket("127.0.0.1:0")
        url = f"http://127.0.0.1:{found.getsockname()[1]}"
        with at.running(), listening(make_app(at.doors), found), client:
            eventually(lambda: client.get(f"{url}/healthz").status_code == 503)
            answer = {"status": "broken", "parts": {"worker": "TypeError"}}
            assert client.get(f"{url}/healthz").json() == answer
            ready = client.get(f"{url}/readyz")
            assert (ready.status_code, ready.json()["checks"]["worker"]) == (503, "TypeError")
    finally:
        opened.close()


def test_a_message_that_could_not_be_taken_is_told_and_counted(project: Project) -> None:
    with daemon(project.root, "--no-worker", "--no-timers") as at:
        with state(project.root) as opened, opened.write() as connection:
            connection.exec_driver_sql("ALTER TABLE deliveries RENAME TO elsewhere")
        answer = at.post(push(), delivery="d9")
        assert (answer.status_code, answer.json()["verdict"]) == (503, "unavailable")
        told = {"hook": "github", "verdict": "unavailable"}.items()
        # The log comes by another way than the answer.
        eventually(
            lambda: any(
                told <= line.items() and "damaged" in line["error"] for line in at.told("hook")
            )
        )
        metrics = at.client.get(f"{at.url}/metrics").text
        assert 'reconciler_deliveries_total{hook="github",verdict="unavailable"} 1.0' in metrics


def test_who_listens_is_a_part_too(project: Project) -> None:
    broke: list[BaseException | None] = []
    told = threading.Event()

    def hear(error: BaseException | None) -> None:
        broke.append(error)
        told.set()

    found = Listener()
    opened = open_workspace(project.root, {"HOOK_SECRET": SECRET})
    at = Served(opened, Parts(), lambda *_: None, threading.Event())
    try:
        found.close()  # nobody can listen on it
        with listening(make_app(at.doors), found, broke=hear):
            assert told.wait(60)
        assert isinstance(broke[0], OSError)
    finally:
        opened.close()
