"""What the containers of a run are asked, and what they answer. Values only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

# Labels of everything a run leaves on an engine while it goes on.
_OWN = "io.reconciler."
INSTANCE_LABEL = _OWN + "instance"
RUN_LABEL = _OWN + "run"
STEP_LABEL = _OWN + "step"
ATTEMPT_LABEL = _OWN + "attempt"  # of a step: which of its tries
FENCE_LABEL = _OWN + "fence"  # of the run: which of its holders, counted from 1
WORKSPACE = "/workspace"

# Which of its two outputs a program wrote to.
Stream = Literal["out", "err"]
# Takes a chunk of a program's output as it comes; it may end anywhere.
TakeOutput = Callable[[bytes, Stream], None]


def run_name(run_id: str, fence: int = 1) -> str:
    """What the names of everything begin with that a holder of a run makes on an engine.

    No two holders share one: what the former one still does touches nothing of the next.
    """
    # A word that follows is set off by a dash, and no run has a dot in its id.
    return f"rt-{run_id}" if fence == 1 else f"rt-{run_id}.{fence}"


def fence_of(labels: Mapping[str, str] | None) -> int:
    """Which holder of its run made a thing; 0, older than any, where its labels do not say."""
    found = (labels or {}).get(FENCE_LABEL, "")
    return int(found) if found.isdecimal() else 0


def is_remote(address: str) -> bool:
    """True for an engine that cannot be on this machine for certain: any but a local socket."""
    return address.partition("://")[0] not in {"unix", "npipe"}


@dataclass(frozen=True, slots=True)
class SecretFolder:
    """Secret files (name, exact bytes) that a container sees, read-only, at an absolute path."""

    path: str
    files: tuple[tuple[str, bytes], ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRequest:
    """One container. `argv` are the words after the image, `env` texts `K=V`.

    `network` is the engine's name of it, None its own; `aliases` are names in that network;
    `volume` is mounted at /workspace. `entry_point` and `working_directory` are None where the
    image's own holds. `closed`: it must not reach out. With `keep` the container stays after its
    end, until its run is cleared up.
    """

    name: str
    image: str
    labels: Mapping[str, str]
    argv: tuple[str, ...] = field(default=(), repr=False)
    env: tuple[str, ...] = field(default=(), repr=False)
    entry_point: str | None = None
    working_directory: str | None = None
    user: str | None = None
    cpus: str | None = None
    isolation: str | None = None
    privileged: bool = False
    ports: tuple[str, ...] = ()
    expose: tuple[str, ...] = ()
    network: str | None = None
    aliases: tuple[str, ...] = ()
    volume: str | None = None
    secrets: tuple[SecretFolder, ...] = ()
    docker_socket: bool = False
    closed: bool = False
    keep: bool = False


@dataclass(frozen=True, slots=True)
class ContainerEnd:
    """How a container ended. `message` is the engine's own word where it refused to run it.

    `stopped`: we ended it; its exit code then means nothing.
    """

    exit_code: int = 0
    stopped: bool = False
    out_of_memory: bool = False
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Swept:
    """What was removed from an engine, by run: numbers of things, and what would not go."""

    runs: tuple[str, ...] = ()
    containers: int = 0
    networks: int = 0
    volumes: int = 0
    left: tuple[str, ...] = ()
