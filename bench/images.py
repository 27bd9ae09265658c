"""Builds and pushes by runs, each beside the bare docker client doing the same."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bench.given import (
    RECONCILER,
    Given,
    base_image,
    bridge,
    docker_client,
    last_record,
    registry,
    seconds_of,
)
from bench.measure import Row, beside, run, summary

_PAYLOAD = 1_000_000
_TASK = """\
version: v1.1.0
steps:
  - {id: build, build: "--no-cache -t {{.Run.Registry}}/bench:{{.Run.ID}} ."}
  - {id: push, push: ["{{.Run.Registry}}/bench:{{.Run.ID}}"]}
  - {id: try, cmd: "{{.Run.Registry}}/bench:{{.Run.ID}} true"}
"""


def cached_build(given: Given) -> Iterator[Row]:
    """A build step whose layers are all cached."""
    client, environment = docker_client(), given.environment
    folder = given.folder / "cached"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\nLABEL a=b\n")
    ours, theirs = [], []
    id_file = given.folder / "id"
    bare = [client, "build", "--progress=plain", "--iidfile", str(id_file), str(folder)]
    for _ in range(7):
        theirs.append(run(bare, folder, times=1, environment=environment).seconds)
        run([*RECONCILER, "build", "."], folder, times=1, environment=environment)
        record = last_record(folder, environment)
        ours.append(seconds_of(record["steps"][0]))
        # Labels make each image another one; without a name nobody would ever find it again.
        _remove(client, _images_of(client, record["id"]))
    _remove(client, [id_file.read_text()])
    peer = summary(theirs[1:])
    name = "cached build step, by the record"
    yield Row(name, summary(ours[1:]), beside(peer, 1.3, 0.1), "docker build", peer)


def build_push_run(given: Given) -> Iterator[Row]:
    """Build without cache, push, run what was pushed; something new to push each time."""
    client, address = docker_client(), registry()
    folder = given.folder / "image"
    folder.mkdir()
    (folder / "task.yaml").write_text(_TASK)
    (folder / "Dockerfile").write_text(
        f"FROM {base_image(client)}\nCOPY payload /payload\nRUN wc -c /payload > /size\n"
    )
    ours, theirs, images = [], [], []
    try:
        with bridge(client) as network:
            for number in range(6):
                images.append(f"{address}/bench:peer-{os.getpid()}-{number}")
                theirs.append(_bare(client, network, images[-1], folder, given))
                ours.append(_by_record(address, folder, given))
                images.append(last_record(folder, given.environment)["outputs"][0]["reference"])
    finally:
        _remove(client, images)
    peer = summary(theirs[1:])
    name = "build, push, run, by the record"
    tools = "docker build, push, run"
    yield Row(name, summary(ours[1:]), beside(peer, 1.25, 0.4), tools, peer)


def _bare(client: str, network: str, image: str, folder: Path, given: Given) -> float:
    (folder / "payload").write_bytes(os.urandom(_PAYLOAD))
    commands = (
        [client, "build", "--no-cache", "--progress=plain", "-t", image, "."],
        [client, "push", image],
        [client, "run", "--rm", "--network", network, image, "true"],
    )
    return sum(
        run(argv, folder, times=1, environment=given.environment).seconds for argv in commands
    )


def _by_record(address: str, folder: Path, given: Given) -> float:
    (folder / "payload").write_bytes(os.urandom(_PAYLOAD))
    argv = [*RECONCILER, "run", "-f", "task.yaml", "-r", address, "."]
    run(argv, folder, times=1, environment=given.environment)
    return seconds_of(last_record(folder, given.environment))


def _images_of(client: str, run_id: str) -> list[str]:
    argv = [client, "images", "--quiet", "--filter", f"label=io.reconciler.run={run_id}"]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()


def _remove(client: str, images: list[str]) -> None:
    subprocess.run([client, "rmi", *images], check=False, capture_output=True)
