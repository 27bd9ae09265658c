"""A real daemon that looks at tags of registries which the test plays."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import select
import signal
import socket
import time
from pathlib import Path
from typing import Any

from reconciler.engine.patience import MOST_AT_ONCE
from reconciler.store.images import hurry_image, list_images
from reconciler.store.pauses import list_pauses
from tests.flow.project import Project, new_project
from tests.flow.serving.desk import daemon, eventually, state
from tests.unit.adapters.registry_server import Reply, serving

KIND = "application/vnd.oci.image.manifest.v1+json"
SOON = 30.0  # of an interval of a quarter of an hour


def manifest(name: str) -> bytes:
    config = {"digest": "sha256:" + hashlib.sha256(name.encode()).hexdigest()}
    return json.dumps({"schemaVersion": 2, "config": config, "layers": []}).encode()


def digest(name: str) -> str:
    return "sha256:" + hashlib.sha256(manifest(name)).hexdigest()


def image(name: str) -> Reply:
    return 200, {"Content-Type": KIND, "Docker-Content-Digest": digest(name)}, manifest(name)


def standing_on(project: Project, name: str, base: str, **more: Any) -> None:
    folder = project.root / name
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"FROM {base}\nRUN id\n")
    step = {"docker": {"images": [f"{name}:1"]}}
    project.write(name, context={"source": name}, step=step, triggers={"baseImage": {}}, **more)


def served(project: Project) -> dict[str, str | None]:
    """The digest of each watched tag, None where it was not seen."""
    with state(project.root) as opened:
        found = list_images(opened)
    return {one.reference: one.served.digest if one.served else None for one in found}


def test_a_login_that_was_mended_is_tried_soon(tmp_path: Path) -> None:
    """At a start, at SIGHUP and at an apply: not when the long wait for a failure is over."""
    project = new_project(tmp_path / "workspace")
    password = project.root / "password"
    password.write_text("wrong")
    (project.root / "user").write_text("builder")
    login = {"username": {"secret": "file:user"}, "password": {"secret": "file:password"}}
    with serving() as server:
        right, looks = ["one"], 0

        def answer(_method: str, _path: str, headers: dict[str, str]) -> Reply:
            expected = base64.b64encode(f"builder:{right[0]}".encode()).decode()
            if headers.get("authorization") == f"Basic {expected}":
                return image("a")
            return 401, {"WWW-Authenticate": 'Basic realm="x"'}, b""

        def looked() -> bool:
            return len(server.asked) > looks

        server.answer = answer
        base = f"{server.address}/team/base:1"
        standing_on(project, "web-api", base, credentials={"registries": {server.address: login}})
        assert project.run("apply", "--auto-approve").code == 0
        with daemon(project.root, "--no-worker") as at:
            (told,) = eventually(lambda: [one for one in at.told("images") if "error" in one])
            assert "refuses to be read (401)" in told["error"]
            looks = len(server.asked)
            at.process.send_signal(signal.SIGHUP)
            eventually(looked, SOON)
            assert served(project) == {base: None}
            password.write_text("one")
            at.process.send_signal(signal.SIGHUP)
            eventually(lambda: served(project) == {base: digest("a")}, SOON)
            assert at.stop() == 0
        # Revoked, and mended while no daemon is there.
        right[0] = "two"
        with state(project.root) as opened, opened.write() as connection:
            connection.exec_driver_sql("UPDATE images SET next_at = 0")
        with daemon(project.root, "--no-worker") as at:
            eventually(lambda: [one for one in at.told("images") if "error" in one], SOON)
            assert at.stop() == 0
        password.write_text("two")
        looks = len(server.asked)
        with daemon(project.root, "--no-worker") as at:
            eventually(lambda: looked() and not _wrong(project), SOON)
            # Revoked once more, and mended by an apply.
            right[0] = "three"
            with state(project.root) as opened, opened.write() as connection:
                connection.exec_driver_sql("UPDATE images SET next_at = 0")
            eventually(lambda: _wrong(project), SOON)
            password.write_text("three")
            standing_on(project, "other", base)
            assert project.run("apply", "--auto-approve").code == 0
            eventually(lambda: not _wrong(project), SOON)
            assert at.stop() == 0


def test_registries_that_do_not_answer_keep_no_other_waiting(tmp_path: Path) -> None:
    project = new_project(tmp_path / "workspace")
    with serving() as server, contextlib.ExitStack() as stack:
        server.answer = lambda *_: image("a")
        base = f"{server.address}/team/base:1"
        standing_on(project, "web-api", base)
        silent = [stack.enter_context(_silent()) for _ in range(10)]
        for number, one in enumerate(silent):
            address = f"127.0.0.1:{one.getsockname()[1]}"
            standing_on(project, f"silent-{number}", f"{address}/team/base:1")
        assert project.run("apply", "--auto-approve").code == 0
        with daemon(project.root, "--no-worker") as at:
            eventually(lambda: served(project)[base] == digest("a"))
            assert at.stop() == 0
        _ask_anew(project, silent)
        with daemon(project.root, "--no-worker") as at:
            eventually(lambda: len(_called(silent)) == MOST_AT_ONCE // 2)
            server.answer = lambda *_: image("b")
            with state(project.root) as opened:
                hurry_image(opened, base, time.time(), 0)
            eventually(lambda: served(project)[base] == digest("b"))
            assert at.stop() == 0
        # A look that is cut short says nothing about a registry.
        told = [one["error"] for one in at.told("images") if "error" in one]
        with state(project.root) as opened, opened.read() as connection:
            told += [pause.message for pause in list_pauses(connection)]
        assert [one for one in told if "timed out" not in one] == []


def _silent() -> socket.socket:
    """The kernel takes connections, and nobody ever answers."""
    found = socket.socket()
    found.bind(("127.0.0.1", 0))
    found.listen(100)
    found.setblocking(False)
    return found


def _called(silent: list[socket.socket]) -> list[socket.socket]:
    """Those that somebody has called."""
    return select.select(silent, [], [], 0)[0]


def _ask_anew(project: Project, silent: list[socket.socket]) -> None:
    """Nothing is known of registries, and all are due; nobody has called the silent ones."""
    while called := _called(silent):
        for one in called:
            one.accept()[0].close()
    with state(project.root) as opened, opened.write() as connection:
        connection.exec_driver_sql("DELETE FROM registry_pauses")
        connection.exec_driver_sql("UPDATE images SET next_at = 0")


def _wrong(project: Project) -> list[str]:
    with state(project.root) as opened:
        return [one.message for one in list_images(opened) if one.message is not None]
