"""Finds out which ways to build images are here, by asking each of them. Chooses none."""

from __future__ import annotations

import platform as machine
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.building.buildah_store import BUILDAH, Store
from reconciler.adapters.building.buildctl import BUILDCTL, keeps_secrets, worker_platforms
from reconciler.adapters.building.buildkit import DockerClient, find_client
from reconciler.adapters.building.emulation import emulated_here
from reconciler.adapters.files import private_folder
from reconciler.adapters.processes.process import capture
from reconciler.adapters.processes.programs import find_program, passed_on
from reconciler.model.capability import Backend, BackendKind
from reconciler.model.platform import PLATFORMS

if TYPE_CHECKING:  # docker-py is slow to import
    from reconciler.adapters.docker.engine import Engine

_SECONDS = 10
_LINUX = tuple(name for name in PLATFORMS if name.startswith("linux/"))
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "i686": "386", "armv7l": "arm/v7"}


def probe_backends(
    engine: Engine | None,
    environment: Mapping[str, str],
    *,
    buildkit: str | None = None,
    runs: Sequence[str] | None = None,
    here: Sequence[str] | None = None,
) -> tuple[Backend, ...]:
    """The backends that answer now, in the order of `BackendKind`; an empty tuple if none does.

    `engine` is None where none answers; `buildkit` is the declared address of a buildkitd. `runs`
    are the platforms whose commands the engine executes and `here` those of this machine, with
    emulation; unless given, the engine's own alone, and what this machine has registered.
    Raises EngineUnavailable if the engine goes.
    """
    without = probe_buildah(environment, here)
    if engine is None:
        return without
    own = own_platforms(engine) if runs is None else runs
    client = find_client(environment)
    found = probe_engine(engine, environment, client=client, buildkit=buildkit, runs=own)
    return (*found, *without)


def probe_engine(
    engine: Engine,
    environment: Mapping[str, str],
    *,
    client: DockerClient | None,
    buildkit: str | None,
    runs: Sequence[str],
) -> tuple[Backend, ...]:
    """The backends whose images come to be on an engine; `client` is the one of `find_client`.

    Raises EngineUnavailable if the engine goes.
    """
    platforms = tuple(runs)
    return (
        *_buildctl(environment, buildkit),
        *_docker_client(client, platforms),
        _classic(engine, platforms),
    )


def probe_buildah(
    environment: Mapping[str, str], here: Sequence[str] | None = None
) -> tuple[Backend, ...]:
    """buildah, if it works here."""
    platforms = tuple(here) if here is not None else (*this_machine(), *emulated_here())
    return tuple(_buildah(environment, platforms))


def this_machine() -> tuple[str, ...]:
    """The platform of the machine this runs on, as far as it has a name among ours."""
    architecture = _ARCHITECTURES.get(machine.machine(), machine.machine())
    name = f"{machine.system().lower()}/{architecture}"
    return (name,) if name in PLATFORMS else ()


def own_platforms(engine: Engine) -> tuple[str, ...]:
    """The platform of an engine, if it is one of ours. Raises EngineUnavailable."""
    version = engine.version()
    name = f"{version.os}/{version.architecture}"
    return (name,) if name in PLATFORMS else ()


def _foreign(platforms: Sequence[str], of: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in of if name not in platforms)


def _buildctl(environment: Mapping[str, str], address: str | None) -> Iterator[Backend]:
    program = find_program(BUILDCTL, environment)
    if address is None or program is None:
        return
    version = _version([str(program), "--version"], environment)
    platforms = worker_platforms(program, address, environment)
    if version is None or not platforms:
        return
    yield Backend(
        kind=BackendKind.BUILDCTL,
        version=version,
        platforms=platforms,
        assembles=_foreign(platforms, _LINUX),
        secrets=keeps_secrets(address, environment),
        cache="registry",
    )


def _docker_client(client: DockerClient | None, platforms: tuple[str, ...]) -> Iterator[Backend]:
    if client is None:
        return
    yield Backend(
        kind=BackendKind.BUILDKIT,
        version=client.version or client.kind,
        platforms=platforms,
        assembles=_foreign(platforms, _LINUX),
        secrets=True,
        cache="inline",
    )


def _classic(engine: Engine, platforms: tuple[str, ...]) -> Backend:
    version = engine.version().version
    return Backend(kind=BackendKind.CLASSIC, version=version, platforms=platforms)


def _buildah(environment: Mapping[str, str], platforms: tuple[str, ...]) -> Iterator[Backend]:
    program = find_program(BUILDAH, environment)
    if program is None or not _buildah_works(program, environment):
        return
    yield Backend(
        kind=BackendKind.BUILDAH,
        version=_version([str(program), "--version"], environment) or "unknown",
        platforms=platforms,
        assembles=_foreign(platforms, PLATFORMS),
        secrets=True,
        cache="registry",
    )


def _buildah_works(program: Path, environment: Mapping[str, str]) -> bool:
    # It may be installed and still have no right to make a mount or a user namespace.
    with private_folder() as folder:
        return Store(program, folder, environment).works()


def _version(words: Sequence[str], environment: Mapping[str, str]) -> str | None:
    try:
        code, text = capture(words, environment=passed_on(environment), timeout=_SECONDS)
    except OSError:
        return None
    match = re.search(r"\bv?(\d+\.\d+(?:\.\d+)?\S*?)[,\s]", text + " ")
    return match[1] if code == 0 and match else None
