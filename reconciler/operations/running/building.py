"""What a run builds with: asks which backends are here, and wires the one that is chosen.

An engine is asked for first; without one there is buildah. Decides nothing: `model/choice` does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.base.errors import EngineUnavailable
from reconciler.model.build import BuildRequest, BuildResult
from reconciler.model.capability import Backend, BackendKind
from reconciler.model.choice import Needs, NoBackend, choose

if TYPE_CHECKING:  # late: docker-py is slow to import
    from reconciler.adapters.building.buildkit import DockerClient
    from reconciler.adapters.docker.engine import Engine
    from reconciler.model.workspace import PlatformEngine
    from reconciler.operations.running.run_place import RunPlace
    from reconciler.runner.ports import Builder, Images, Stopping

_WITHOUT_ENGINE = frozenset(("auto", BackendKind.BUILDAH))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A platform to build for, and what its builds need.

    `folder` is the run's own; `say` writes a line into its log.
    """

    place: RunPlace
    platform: str
    needs: Needs
    folder: Path
    say: Callable[[str], None]


def open_builder(wanted: Wanted, open_first: Callable[[], object]) -> tuple[Images, Builder]:
    """What builds, and the images it builds into; `open_first` clears up the engine before.

    Where steps need an engine the builder is looked for at its first use: most such runs build
    nothing. Raises EngineUnavailable if there is nothing that can, and says what would help.
    """
    engine, missing = _engine(wanted, open_first)
    if engine is None:
        if wanted.needs.engine or _declared(wanted).backend not in _WITHOUT_ENGINE:
            raise missing
        return _chosen(wanted, None, missing)
    if wanted.needs.engine:
        from reconciler.adapters.docker.transfer import EngineImages  # noqa: PLC0415  (late)

        return EngineImages(engine), _LateBuilder(lambda: _chosen(wanted, engine, missing)[1])
    return _chosen(wanted, engine, missing)


def _declared(wanted: Wanted) -> PlatformEngine:
    return wanted.place.engine_of(wanted.platform)


def _engine(
    wanted: Wanted, open_first: Callable[[], object]
) -> tuple[Engine | None, EngineUnavailable]:
    """The engine of a platform, or what was wrong with it."""
    from reconciler.adapters.docker.engine import open_engine  # noqa: PLC0415  (late)

    try:
        open_first()
        engine = open_engine(_declared(wanted).engine, wanted.place.environment)
    except EngineUnavailable as error:
        return None, error
    return engine, EngineUnavailable("the container engine went away")


def _chosen(
    wanted: Wanted, engine: Engine | None, missing: EngineUnavailable
) -> tuple[Images, Builder]:
    from reconciler.adapters.building.buildkit import find_client  # noqa: PLC0415  (late)

    client = find_client(wanted.place.environment) if engine is not None else None
    backends = _of_engine(wanted, engine, client) if engine is not None else ()
    found = _choice(wanted, backends)
    if isinstance(found, NoBackend):  # buildah comes last: it is asked only if it is needed
        from reconciler.adapters.building.backends import probe_buildah  # noqa: PLC0415  (late)

        backends = (*backends, *probe_buildah(wanted.place.environment))
        found = _choice(wanted, backends)
    if isinstance(found, Backend):
        if engine is None:
            wanted.say(f"note: {missing.message}: {found.kind} builds without one")
        return _wired(found, wanted, engine, client)
    if not backends:
        raise missing
    why, fix = f"{wanted.platform} cannot be built here: {found.why}", found.fix
    if engine is None:  # it would have been the first to build
        why, fix = f"{missing.message}, and {why}", "; or ".join(filter(None, (missing.hint, fix)))
    raise EngineUnavailable(why, hint=fix)


def _choice(wanted: Wanted, backends: tuple[Backend, ...]) -> Backend | NoBackend:
    return choose(backends, wanted.platform, wanted.needs, forced=_declared(wanted).backend)


def _of_engine(wanted: Wanted, engine: Engine, client: DockerClient | None) -> tuple[Backend, ...]:
    from reconciler.adapters.building.backends import own_platforms, probe_engine  # noqa: PLC0415  (late)
    from reconciler.adapters.docker.trial import runnable_platforms  # noqa: PLC0415  (late)

    runs = own_platforms(engine)
    if wanted.platform not in runs:
        runs = (*runs, *runnable_platforms(engine, [wanted.platform]))
    environment, buildkit = wanted.place.environment, _declared(wanted).buildkit
    return probe_engine(engine, environment, client=client, buildkit=buildkit, runs=runs)


def _wired(
    found: Backend, wanted: Wanted, engine: Engine | None, client: DockerClient | None
) -> tuple[Images, Builder]:
    from reconciler.adapters.building.builders import builder_on, engineless  # noqa: PLC0415  (late)
    from reconciler.adapters.docker.transfer import EngineImages  # noqa: PLC0415  (late)

    place, environment = wanted.place, wanted.place.environment
    if engine is None or found.kind is BackendKind.BUILDAH:
        system = wanted.platform.partition("/")[0]
        keeper = engine if engine is not None and engine.version().os == system else None
        return engineless(wanted.folder, environment, place.insecure, keeper)
    buildkit = _declared(wanted).buildkit
    builder = builder_on(engine, found.kind, environment, client=client, buildkit=buildkit)
    return EngineImages(engine), builder


class _LateBuilder:
    """A builder that is looked for at its first use."""

    def __init__(self, find: Callable[[], Builder]) -> None:
        self._find = find

    @cached_property
    def _chosen(self) -> Builder:
        return self._find()

    @property
    def name(self) -> str:
        return self._chosen.name

    @property
    def secrets(self) -> bool:
        return self._chosen.secrets

    @property
    def cache(self) -> str:
        return self._chosen.cache

    def build(
        self, request: BuildRequest, on_output: Callable[[bytes], None], stopping: Stopping
    ) -> BuildResult:
        return self._chosen.build(request, on_output, stopping)
