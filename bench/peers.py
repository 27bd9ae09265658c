"""`python -m bench.peers pool|place ...`: peers that are Python themselves, timed from inside.

In processes of their own: what they import would count as memory of all that is measured after.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
from docker import DockerClient

from reconciler.adapters.docker.containers import EngineContainers
from reconciler.adapters.docker.engine import open_engine
from reconciler.model.container import ContainerRequest


def pool(image: str, count: int, width: int) -> dict[str, float]:
    """Seconds for a network, so many containers in threads, and the network's removal."""
    client = docker.from_env(max_pool_size=width)
    client.ping()
    started = time.perf_counter()
    network = client.networks.create(_name(), check_duplicate=True)
    try:
        with ThreadPoolExecutor(width) as threads:
            found = [
                threads.submit(
                    client.containers.run, image, ["true"], network=network.name, remove=True
                )
                for _ in range(count)
            ]
            for one in found:
                one.result()
    finally:
        network.remove()
    return {"seconds": time.perf_counter() - started}


def place(image: str, count: int) -> dict[str, list[float]]:
    """Seconds to make and to remove network and volume of a run, and of docker-py alone.

    Each is used by one container in between, which is not counted. The first of each warms up.
    """
    found: dict[str, list[float]] = {"ours": [], "bare": []}
    client = docker.from_env()
    containers = EngineContainers(open_engine(None, {}), f"bench-{uuid.uuid4().hex[:8]}")
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(count + 1):
            found["bare"].append(_bare_place(client, image))
            found["ours"].append(_own_place(containers, image, Path(folder)))
    return {name: seconds[1:] for name, seconds in found.items()}


def _own_place(containers: EngineContainers, image: str, folder: Path) -> float:
    name = _name()
    started = time.perf_counter()
    # Side by side, as the runner has them made.
    with ThreadPoolExecutor(1) as beside:
        network = beside.submit(
            containers.create_network, name, name, driver=None, ipv6=False, internal=False
        )
        containers.create_workspace(name, name, folder, lambda _path: False, lambda: None)
        network.result()
    made = time.perf_counter() - started
    request = ContainerRequest(
        name=name, image=image, labels={}, argv=("true",), network=name, volume=name
    )
    containers.run(request, lambda _chunk, _stream: None, lambda: False, lambda: None)
    return made + _seconds(lambda: containers.remove_run(name))


def _bare_place(client: DockerClient, image: str) -> float:
    started = time.perf_counter()
    network = client.networks.create(_name(), check_duplicate=True)
    volume = client.volumes.create(_name())
    made = time.perf_counter() - started
    mounts = [f"{volume.name}:/workspace"]
    client.containers.run(image, ["true"], network=network.name, volumes=mounts, remove=True)
    return made + _seconds(network.remove) + _seconds(volume.remove)


def _name() -> str:
    return f"bench-{uuid.uuid4().hex[:12]}"


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    kind, image_name, *numbers = sys.argv[1:]
    peers: dict[str, Callable[..., object]] = {"pool": pool, "place": place}
    print(json.dumps(peers[kind](image_name, *map(int, numbers))))
