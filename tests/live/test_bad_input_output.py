"""Output that is far too long or far too much: every byte is kept, and memory stays small."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.live.test_steps import peak_memory, task
from tests.live.trouble import things_of
from tests.live.workshop import Workshop

MEGABYTE = 1_000_000
MOST_MEMORY = 200_000  # kB: the program itself takes about a half of it


def watched(workshop: Workshop, *words: str) -> int:
    """Run to a good end with the output going nowhere; the most memory it took, kB."""
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", *words],
        cwd=workshop.root, env=workshop.settings(),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    most = 0
    while process.poll() is None:
        most = max(most, peak_memory(process.pid))
        time.sleep(0.05)
    assert process.returncode == 0
    return most


@pytest.fixture
def log(workshop: Workshop) -> Iterator[Path]:
    """The folder of the logs. What is in it is deleted: pytest would keep it for days."""
    folder = workshop.root / ".reconciler" / "logs"
    yield folder
    for path in folder.glob("*"):
        path.unlink()


def lengths(folder: Path) -> Iterator[int]:
    """How long each line of a program is in the only log, its pieces put together."""
    [path] = folder.glob("*.jsonl")
    length = 0
    with path.open() as lines:
        for line in lines:
            found = json.loads(line)
            if found["stream"] == "out":
                length += len(found["line"])
                if not found.get("more"):
                    yield length
                    length = 0


def test_lines_of_10_mb_are_kept_whole(workshop: Workshop, log: Path) -> None:
    long = f"head -c {10 * MEGABYTE} /dev/zero | tr \\\\0 x; echo"
    path = task(workshop, {"id": "a", "cmd": f"sh -c '{long}; {long}; echo end'"})
    assert 0 < watched(workshop, "run", "-f", path, "ctx") < MOST_MEMORY
    assert list(lengths(log)) == [10 * MEGABYTE, 10 * MEGABYTE, 3]
    shown = workshop.call("logs", workshop.last()["id"], "--step", "a")
    assert shown.stdout.count("x") == 20 * MEGABYTE
    assert shown.stdout.endswith("| end\n")


def test_a_line_of_10_mb_does_not_break_a_build(workshop: Workshop, log: Path) -> None:
    long = f"head -c {10 * MEGABYTE} /dev/zero | tr '\\0' x; echo {uuid.uuid4()}"
    workshop.context("app", f"RUN {long}", f"RUN echo {uuid.uuid4()}-after")
    assert 0 < watched(workshop, "build", "app") < MOST_MEMORY
    # BuildKit itself cuts off what comes too fast.
    assert max(lengths(log)) > 100_000
    assert "-after" in workshop.call("logs", workshop.last()["id"], "--step", "build").stdout


def test_a_container_that_prints_1_gb_loses_nothing(workshop: Workshop, log: Path) -> None:
    much = f"yes $$(printf %0999d 7) | head -c {1000 * MEGABYTE}"
    path = task(workshop, {"id": "a", "cmd": f"sh -c '{much}'"})
    assert 0 < watched(workshop, "run", "-f", path, "ctx") < MOST_MEMORY
    count = 0
    for length in lengths(log):
        assert length == 999
        count += 1
    assert count == MEGABYTE


def test_a_container_that_writes_1_gb_into_its_workspace_leaves_none_of_it(
    workshop: Workshop, engine: docker.DockerClient
) -> None:
    path = task(
        workshop,
        {"id": "write", "cmd": "dd if=/dev/zero of=large bs=1M count=1000"},
        {"id": "pack", "build": "-f Recipe ."},
    )
    (workshop.root / "ctx" / "Recipe").write_text(
        f"FROM {workshop.base}\nCOPY ctx-mark /\nRUN echo {uuid.uuid4()}\n"
    )
    (workshop.root / "ctx" / "ctx-mark").write_text("small")
    assert 0 < watched(workshop, "run", "-f", path, "ctx") < MOST_MEMORY
    assert things_of(engine, workshop.last()["id"]) == []
    assert list((workshop.root / ".reconciler" / "work").iterdir()) == []
