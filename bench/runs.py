"""Runs of container steps, each beside the docker client or docker-py doing the same.

Ours and the peer's take turns, so that a busy machine is busy for both; the first pair warms up.
"""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.given import (
    RECONCILER,
    Given,
    base_image,
    bridge,
    docker_client,
    last_record,
    seconds_of,
)
from bench.measure import Bar, Figure, Row, beside, run, summary
from reconciler.runner.schedule import default_width

_STEPS = 20
_LINE = "0123456789" * 9 + "012345678"  # with its end a hundred bytes


def one_step(given: Given) -> Iterator[Row]:
    """One container step: by the record, create to removed; and the whole process."""
    client = docker_client()
    image, folder = base_image(client), _empty(given, "step")
    ours, whole, theirs = [], [], []
    for _ in range(8):
        # A new network each time, as a run has one: the first container on it starts slower.
        with bridge(client) as network:
            theirs.append(run(_docker_run(client, network, image), folder, times=1).seconds)
        whole.append(_run(given, folder, ["--cmd", f"{image} true"]).seconds)
        ours.append(seconds_of(_record(given, folder)["steps"][0]))
    peer = summary(theirs[1:])
    name = "docker run --rm, new network"
    yield Row("1 step, by the record", summary(ours[1:]), beside(peer, 1.10), name, peer)
    yield Row("1 step, the whole process", summary(whole[1:]), beside(peer, 1, 0.9), name, peer)


def place(_given: Given) -> Iterator[Row]:
    """Network and volume of a run: making them and removing them."""
    found = _peer("place", base_image(docker_client()), 7)
    ours, peer = summary(found["ours"]), summary(found["bare"])
    yield Row("network and volume of a run", ours, Bar(0.4), "docker-py", peer)


def twenty_in_a_row(given: Given) -> Iterator[Row]:
    """Steps that wait for each other, with their network."""
    client = docker_client()
    image, folder = base_image(client), _empty(given, "sequence")
    _write_task(folder, image, "")
    name = f"docker network create, {_STEPS} x run, rm"
    theirs, ours, whole = [], [], []
    for _ in range(4):
        theirs.append(_bare_sequence(client, image, folder))
        whole.append(_run(given, folder, ["-f", "task.yaml"]).seconds)
        ours.append(seconds_of(_record(given, folder)))
    peer, processes = summary(theirs[1:]), summary(whole[1:])
    note = f"(whole process {processes.seconds:.3f} s)"
    what = f"{_STEPS} steps in a row, by the record"
    yield Row(what, summary(ours[1:]), beside(peer, 1.10), name, peer, note)


def _bare_sequence(client: str, image: str, folder: Path) -> float:
    network = f"bench-{uuid.uuid4().hex[:8]}"
    create = run([client, "network", "create", network], folder, times=1)
    try:
        argv = _docker_run(client, network, image)
        steps = [run(argv, folder, times=1).seconds for _ in range(_STEPS)]
    finally:
        remove = run([client, "network", "rm", network], folder, times=1)
    return create.seconds + sum(steps) + remove.seconds


def twenty_side_by_side(given: Given) -> Iterator[Row]:
    """Steps that wait for nothing, as many at a time as the program runs by default."""
    client = docker_client()
    image, folder, width = base_image(client), _empty(given, "parallel"), default_width()
    _write_task(folder, image, ', when: ["-"]')
    theirs, ours, whole = [], [], []
    for _ in range(4):
        theirs.append(_peer("pool", image, _STEPS, width)["seconds"])
        whole.append(_run(given, folder, ["-f", "task.yaml"]).seconds)
        ours.append(seconds_of(_record(given, folder)))
    peer, processes = summary(theirs[1:]), summary(whole[1:])
    note = f"(whole process {processes.seconds:.3f} s)"
    what = f"{_STEPS} steps, {width} at a time, by the record"
    yield Row(
        what, summary(ours[1:]), beside(peer, 1.10), f"docker-py, {width} threads", peer, note
    )


def big_log(given: Given) -> Iterator[Row]:
    """Memory while a step prints a lot, in lines of a hundred bytes. `--large`: 1 GB of it."""
    client = docker_client()
    image, folder = base_image(client), _empty(given, "log")
    megabytes = 1000 if given.large else 256
    script = f"yes '{_LINE}' | head -c {megabytes * 1_000_000}"
    (folder / "print.sh").write_text(script)
    with bridge(client) as network:
        peer = run([*_docker_run(client, network, image)[:-1], "sh", "-c", script], folder, times=1)
    ours = _run(given, folder, ["--cmd", f"{image} sh print.sh"])
    name = f"log of {megabytes:,} MB, the whole process"
    yield Row(name, ours, Bar(megabytes=100), "docker run --rm", peer)


# --------------------------------------------------------------------- tools
def _empty(given: Given, name: str) -> Path:
    folder = given.folder / name
    folder.mkdir()
    return folder


def _write_task(folder: Path, image: str, more: str) -> None:
    steps = [f'  - {{id: s{number}, cmd: "{image} true"{more}}}' for number in range(_STEPS)]
    (folder / "task.yaml").write_text("\n".join(["version: v1.1.0", "steps:", *steps, ""]))


def _docker_run(client: str, network: str, image: str) -> list[str]:
    return [client, "run", "--rm", "--network", network, image, "true"]


def _run(given: Given, folder: Path, words: Sequence[str]) -> Figure:
    argv = [*RECONCILER, "run", *words, "."]
    return run(argv, folder, times=1, environment=given.environment)


def _record(given: Given, folder: Path) -> dict[str, Any]:
    return last_record(folder, given.environment)


def _peer(*words: str | int) -> Any:
    argv = [sys.executable, "-m", "bench.peers", *map(str, words)]
    return json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout)
