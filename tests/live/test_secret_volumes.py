"""Secret volumes on the real engine: what a step sees of them, and what stays of them."""

from __future__ import annotations

import base64
import hashlib
import os
import signal
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from reconciler.adapters.docker.containers import EngineContainers
from reconciler.adapters.docker.engine import open_engine
from reconciler.adapters.docker.secret_files import secret_binds
from reconciler.adapters.files import memory_folder
from reconciler.model.container import ContainerRequest, SecretFolder
from tests.live.test_runs import Bridge
from tests.live.test_steps import of_run, run, statuses, task, wait_for_line
from tests.live.workshop import Workshop

# Every byte, a shell's own signs, and no line break at the end.
BYTES = bytes(range(256)) + b"$HOME `id` 'x' \"y\" \\ \r\n\n$(id)"
VOLUMES = [{"name": "keys", "secret": {"k": base64.b64encode(BYTES).decode(), "empty": ""}}]


def mount(*paths: str) -> list[dict[str, str]]:
    return [{"name": "keys", "mountPath": path} for path in paths]


def said(text: str, step: str) -> list[str]:
    lines = (line.partition("| ") for line in text.splitlines())
    return [line for name, _, line in lines if name.strip() == step]


def private_folders() -> set[Path]:
    return set(memory_folder().glob("reconciler-private-*"))


def test_a_step_sees_the_exact_bytes_and_nobody_else_may_read_them(workshop: Workshop) -> None:
    look = "stat -c %a /keys /keys/k /keys/empty; sha256sum < /keys/k; wc -c < /keys/empty"
    touch = "{ touch /keys/k; echo x > /keys/new; rm -f /keys/k; } 2>&1"
    step = {"id": "a", "cmd": f"sh -c '{look}; {touch}; true'", "volumeMounts": mount("/keys")}
    done = run(workshop, step, volumes=VOLUMES)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = said(done.stdout, "a")
    assert lines[:5] == ["700", "400", "400", f"{hashlib.sha256(BYTES).hexdigest()}  -", "0"]
    assert [line.rpartition(": ")[2] for line in lines[5:]] == ["Read-only file system"] * 3


def test_one_volume_is_seen_at_two_paths_and_only_by_the_steps_that_mount_it(
    workshop: Workshop,
) -> None:
    look = "sh -c 'ls /one /workspace/two 2>&1'"
    done = run(
        workshop,
        {"id": "a", "cmd": look, "volumeMounts": mount("/one", "/workspace/two")},
        {"id": "b", "cmd": "sh -c 'ls -A /one 2>&1; ls -A two'"},
        volumes=VOLUMES,
    )
    assert said(done.stdout, "a") == ["/one:", "empty", "k", "/workspace/two:", "empty", "k"]
    assert said(done.stdout, "b") == ["ls: /one: No such file or directory"]


@pytest.mark.parametrize("user", ["7", "7:7", "daemon"])
def test_a_step_that_is_not_root_can_read_its_files(workshop: Workshop, user: str) -> None:
    image = f"{{{{.Run.Registry}}}}/users-{uuid.uuid4().hex[:12]}:1"
    look = f"{image} sh -c 'id -u; sha256sum < /keys/k'"
    path = task(
        workshop,
        {"id": "image", "build": f"-t {image} -f Users ."},
        {"id": "a", "cmd": look, "user": user, "volumeMounts": mount("/keys")},
        volumes=VOLUMES,
    )
    known = "RUN mkdir -p /etc && echo daemon:x:7:7::/:/bin/sh > /etc/passwd"
    (workshop.root / "ctx" / "Users").write_text(f"FROM {workshop.base}\n{known}\n")
    done = workshop.call("run", "-f", path, "ctx")
    assert done.returncode == 0, done.stdout + done.stderr
    assert said(done.stdout, "a") == ["7", hashlib.sha256(BYTES).hexdigest() + "  -"]


@pytest.fixture
def holding(workshop: Workshop) -> Iterator[Any]:
    """A run whose step has a secret volume and goes on until it is told to end."""
    step = {"id": "a", "cmd": "sh -c 'echo begun; sleep 60'", "volumeMounts": mount("/keys")}
    before = private_folders()
    process = workshop.start("run", "-f", task(workshop, step, volumes=VOLUMES), "ctx")
    wait_for_line(process, "begun")
    yield process, before
    if process.poll() is None:
        process.send_signal(signal.SIGINT)  # in order: nothing of it stays on the engine
    process.communicate(timeout=60)


def held_files(before: set[Path]) -> dict[Path, str]:
    """Modes of what lies in memory now and did not before; other tests may have folders, too."""
    found = {}
    for folder in private_folders() - before:
        for path in (folder, *folder.rglob("*")):
            found[path] = oct(path.stat().st_mode & 0o777)
    return found


def test_the_files_lie_in_a_private_folder_in_memory_and_are_bound_read_only(
    workshop: Workshop, holding: Any, engine: docker.DockerClient
) -> None:
    process, before = holding
    name = f"rt-{workshop.last()['id']}-a-1"
    [bound] = [
        item for item in engine.containers.get(name).attrs["Mounts"] if item["Type"] == "bind"
    ]
    assert (bound["Destination"], bound["RW"]) == ("/keys", False)
    place = Path(bound["Source"])
    assert place.parent in private_folders() - before
    modes = held_files(before)
    found = [modes[path] for path in (place.parent, place, place / "k", place / "empty")]
    assert found == ["0o700", "0o700", "0o400", "0o400"]
    assert os.statvfs(place).f_fsid == os.statvfs("/dev/shm").f_fsid
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert not place.parent.exists()


def test_a_killed_run_leaves_its_files_to_the_next_command(
    workshop: Workshop, holding: Any, engine: docker.DockerClient
) -> None:
    process, _ = holding
    run_id = workshop.last()["id"]
    mounts = engine.containers.get(f"rt-{run_id}-a-1").attrs["Mounts"]
    [place] = [Path(item["Source"]) for item in mounts if item["Type"] == "bind"]
    process.kill()
    process.wait()
    assert (place / "k").read_bytes() == BYTES
    workshop.call("runs")
    assert not place.parent.exists()
    assert of_run(engine, run_id) == []


def test_on_an_engine_elsewhere_no_step_begins(workshop: Workshop) -> None:
    path = task(
        workshop,
        {"id": "first", "cmd": "true"},
        {"id": "a", "cmd": "true", "volumeMounts": mount("/keys")},
        volumes=VOLUMES,
    )
    listener = socket.create_server(("127.0.0.1", 0))
    workshop.environment["DOCKER_HOST"] = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    with Bridge(workshop.root / "unused", listener):
        done = workshop.call("run", "-f", path, "ctx")
        assert done.returncode == 4, done.stdout + done.stderr
        assert "on another one" in " ".join(done.stderr.split())
        assert statuses(workshop) == {"first": "skipped", "a": "skipped"}
        assert workshop.last()["reason"] == "secret-denied"
        # Without a volume the same engine is good enough.
        plain = task(workshop, {"id": "first", "cmd": "true"}, volumes=VOLUMES)
        assert workshop.call("run", "-f", plain, "ctx").returncode == 0


def test_an_engine_that_does_not_see_our_memory_says_so(base_image: str) -> None:
    containers = EngineContainers(open_engine(None, {}), f"test-{uuid.uuid4().hex}")
    folders = (SecretFolder("/keys", (("k", b"x"),)),)
    request = ContainerRequest(
        name=f"rt-{uuid.uuid4().hex}", image=base_image, labels={}, argv=("true",), secrets=folders
    )
    assert containers.run(request, lambda *_: None, lambda: False, lambda: None).exit_code == 0
    with secret_binds(folders) as [bind]:
        bind["Source"] = "/nowhere/at/all"
        end = containers._run(request, [bind], lambda *_: None, lambda: False, lambda: None)
    assert end.exit_code == 125
    assert "does not see the memory of this machine" in str(end.message)
