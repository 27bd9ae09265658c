"""How a container is made: a request in the words of docker-py. Starts and removes none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from docker import APIClient
from docker.types import LogConfig, Mount
from docker.utils.ports import build_port_bindings

from reconciler.adapters.docker.engine import DEFAULT_ADDRESS, Engine
from reconciler.model.container import WORKSPACE, ContainerRequest

_SOCKET = "/var/run/docker.sock"
# Frames made by hand would reach the engine's machine. Names that no container has are asked of
# nobody: without servers of its own, the engine asks those of its machine from outside the network
# if they are on loopback (CVE-2024-29018).
_CLOSED: dict[str, Any] = {"cap_drop": ["NET_RAW"], "dns": ["0.0.0.0"]}  # noqa: S104  (listens not)


def creation(
    client: APIClient, engine: Engine, request: ContainerRequest, mounts: Sequence[Mount] = ()
) -> dict[str, Any]:
    """The arguments of docker-py's `create_container` for a request; `mounts` beside its own."""
    config: dict[str, Any] = {
        "image": request.image,
        "command": list(request.argv) or None,
        "name": request.name,
        "environment": list(request.env),
        "labels": dict(request.labels),
        "host_config": client.create_host_config(**_host(engine, request), mounts=[*mounts]),
        "ports": [_exposed(word) for word in (*request.ports, *request.expose)] or None,
        "working_dir": request.working_directory,
        "user": request.user,
        "stdin_open": False,
    }
    if request.entry_point is not None:
        config["entrypoint"] = [request.entry_point] if request.entry_point else [""]
    if request.network and request.aliases:
        # Its type says that it takes one endpoint; it takes them by the name of the network.
        endpoints: Any = {
            request.network: client.create_endpoint_config(aliases=[*request.aliases])
        }
        config["networking_config"] = client.create_networking_config(endpoints)
    return config


def _host(engine: Engine, request: ContainerRequest) -> dict[str, Any]:
    binds = [f"{request.volume}:{WORKSPACE}"] if request.volume else []
    if request.docker_socket:
        scheme, _, path = engine.address.partition("://")
        here = path if scheme == "unix" else DEFAULT_ADDRESS.partition("://")[2]
        binds.append(f"{here}:{_SOCKET}")
    host: dict[str, Any] = {
        "binds": binds,
        # The first process passes signals on and reaps; without it many images ignore SIGTERM.
        "init": True,
        "privileged": request.privileged,
        "auto_remove": False,
        # What we are handed is masked and kept by us; the engine's own log would hold it unmasked,
        # and it is several times slower to write than all the rest.
        "log_config": LogConfig(type=LogConfig.types.NONE),
    }
    if request.network:
        host["network_mode"] = request.network
    if request.closed:
        host |= _CLOSED
    if request.cpus:
        host["nano_cpus"] = int(float(request.cpus) * 1_000_000_000)
    if request.isolation:
        host["isolation"] = request.isolation
    if request.ports:
        host["port_bindings"] = _bindings(request.ports)
    return host


def _bindings(words: Sequence[str]) -> dict[str, list[Any]]:
    """`[address:][host]:container[/protocol]` words as docker-py wants them; ranges spelled out."""
    bindings: dict[str, list[Any]] = build_port_bindings(list(words))
    return bindings


def _exposed(word: str) -> tuple[str, str]:
    inner = word.rpartition(":")[2]
    port, _, protocol = inner.partition("/")
    return port, protocol or "tcp"
