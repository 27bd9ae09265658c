"""A full disk: it is told where, how much is free and what to do, and nothing is lost."""

from __future__ import annotations

import os
import re
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import docker
import pytest

from tests.live.conftest import unavailable
from tests.live.git_server import make_repository, serve_git
from tests.live.test_steps import statuses, task
from tests.live.trouble import things_of, wait_for
from tests.live.workshop import Workshop

MEGABYTE = 1_000_000


@pytest.fixture
def state(workshop: Workshop) -> Iterator[Path]:
    """The state's folder, on a disk of 4 MB of its own."""
    folder = workshop.root / ".reconciler"
    folder.mkdir(mode=0o700)
    options = f"size=4m,mode=700,uid={os.geteuid()},gid={os.getegid()}"
    words = [*privileged(), "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    done = subprocess.run(words, capture_output=True, check=False)
    if done.returncode != 0:
        unavailable("a small disk cannot be mounted here")
    yield folder
    subprocess.run([*privileged(), "umount", "--lazy", str(folder)], check=True)


def privileged() -> list[str]:
    return [] if os.geteuid() == 0 else ["sudo", "-n"]


def fill(folder: Path) -> Path:
    """A file that takes all the room there is."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return path


def assert_told(done: subprocess.CompletedProcess[str], folder: Path) -> None:
    told = "".join(done.stderr.split())  # a long name is broken over lines
    assert re.search(r"thediskisfullortoosmall:\d\.\dMBof4\.2MBarefreein", told), done.stderr
    assert f"arefreein{folder}" in told, done.stderr
    assert "makeroomthereandstartagain" in told, done.stderr
    assert "Traceback" not in done.stderr


def test_a_disk_that_is_full_before_the_run(workshop: Workshop, state: Path) -> None:
    workshop.context("app", f"RUN echo {uuid.uuid4()}-first")
    assert workshop.call("build", "app").returncode == 0
    before = workshop.last()
    filler = fill(state)
    done = workshop.call("build", "app")
    assert done.returncode == 1
    assert_told(done, state)
    filler.unlink()
    assert workshop.records() == [before]
    assert "-first" in workshop.call("logs", before["id"]).stdout
    assert workshop.call("build", "app").returncode == 0


def test_a_disk_that_a_log_fills(
    workshop: Workshop, state: Path, engine: docker.DockerClient
) -> None:
    much = {"id": "much", "cmd": f"sh -c 'yes some line | head -c {20 * MEGABYTE}'"}
    path = task(workshop, much, {"id": "next", "cmd": "true"})
    done = workshop.call("run", "-f", path, "ctx")
    assert done.returncode == 4, done.stderr
    assert_told(done, state)
    [log] = (state / "logs").iterdir()
    record = workshop.last()
    assert things_of(engine, record["id"]) == []
    assert (record["id"], record["status"], record["reason"]) == (log.stem, "Error", "disk-full")
    assert statuses(workshop) == {"much": "failed", "next": "skipped"}
    assert "is lost" not in workshop.call("runs").stderr
    kept = workshop.call("logs", record["id"]).stdout.splitlines()
    assert kept[-1].startswith("run      | the log ")
    # Measured before the reserve is given up.
    assert re.search(r"the disk is full or too small: 0\.\d MB of 4\.2 MB", kept[-1])
    assert len(kept) > 1000
    assert {line.partition("| ")[2] for line in kept if line.startswith("much ")} == {"some line"}
    subprocess.run([*privileged(), "mount", "-o", "remount,size=12m", str(state)], check=True)
    assert workshop.call("run", "--cmd", f"{workshop.base} true", "/dev/null").returncode == 0


def test_a_disk_that_something_else_fills_during_the_run(workshop: Workshop, state: Path) -> None:
    steps = {"id": "a", "cmd": "sh -c 'echo begun; sleep 5'"}, {"id": "next", "cmd": "true"}
    process = workshop.start("run", "-f", task(workshop, *steps), "ctx")
    wait_for(process, r"^a        \| begun")
    fill(state)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 4, said
    assert (workshop.last()["status"], workshop.last()["reason"]) == ("Error", "disk-full"), said
    assert "the disk is full" in workshop.call("logs", workshop.last()["id"]).stdout


def test_a_repository_that_does_not_fit(workshop: Workshop, state: Path, tmp_path: Path) -> None:
    root = tmp_path.parent / f"repositories-{uuid.uuid4().hex[:8]}"
    noise = os.urandom(3 * MEGABYTE).hex()
    make_repository(root, "app", {"Dockerfile": f"FROM {workshop.base}\n", "large": noise})
    with serve_git(root) as server:
        with (workshop.root / "reconciler.yaml").open("a") as file:
            file.write(f'hosts: {{"{server.host}": {{insecure: true}}}}\n')
        done = workshop.call("build", f"{server.url}/app.git#trunk")
    assert_full_run(workshop, done, state)


def test_a_workspace_that_does_not_fit_for_a_build(workshop: Workshop, state: Path) -> None:
    path = task(
        workshop,
        {"id": "write", "cmd": "dd if=/dev/zero of=large bs=1M count=20"},
        {"id": "pack", "build": "-t a:1 ."},
        {"id": "next", "cmd": "true"},
    )
    done = workshop.call("run", "-f", path, "ctx")
    assert statuses(workshop) == {"write": "succeeded", "pack": "failed", "next": "skipped"}
    assert_full_run(workshop, done, state)


def test_a_context_that_does_not_fit_on_its_way_to_the_engine(
    workshop: Workshop, state: Path
) -> None:
    workshop.environment["TMPDIR"] = str(state)
    path = task(workshop, {"id": "a", "cmd": "true"})
    (workshop.root / "ctx" / "large").write_bytes(bytes(20 * MEGABYTE))
    done = workshop.call("run", "-f", path, "ctx")
    assert_full_run(workshop, done, state)


def assert_full_run(
    workshop: Workshop, done: subprocess.CompletedProcess[str], state: Path
) -> None:
    assert done.returncode == 4, done.stdout + done.stderr
    record = workshop.last()
    assert (record["status"], record["reason"]) == ("Error", "disk-full"), done.stderr
    assert_told(done, state)
    assert list((state / "work").iterdir()) == []
    assert workshop.call("run", "--cmd", f"{workshop.base} true", "/dev/null").returncode == 0
