"""A real daemon that looks at tags of registries which the test plays."""

from __future__ import annotations

import base64
import hashlib
import json
import signal
from pathlib import Path
from typing import Any

from reconciler.store.images import list_images
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


def _wrong(project: Project) -> list[str]:
    with state(project.root) as opened:
        return [one.message for one in list_images(opened) if one.message is not None]
