"""From the kind of a backend to what builds with it. Chooses none, builds nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from reconciler.adapters.building.buildah import BuildahBuilder
from reconciler.adapters.building.buildah_images import BuildahImages
from reconciler.adapters.building.buildah_store import BUILDAH, Store
from reconciler.adapters.building.buildctl import BUILDCTL, BuildctlBuilder
from reconciler.adapters.building.buildkit import BuildKitBuilder, DockerClient
from reconciler.adapters.building.classic import ClassicBuilder
from reconciler.adapters.docker.engine import Engine
from reconciler.adapters.processes.programs import find_program
from reconciler.base.errors import EngineUnavailable
from reconciler.model.build import BuildRequest, BuildResult
from reconciler.model.capability import BackendKind

Stopping = Callable[[], bool]
_Builder = BuildctlBuilder | BuildKitBuilder | ClassicBuilder


def builder_on(
    engine: Engine,
    kind: BackendKind,
    environment: Mapping[str, str],
    *,
    client: DockerClient | None,
    buildkit: str | None = None,
) -> EngineBuilder:
    """A builder whose images come to be on an engine. Raises EngineUnavailable if it is gone."""
    if kind is BackendKind.CLASSIC:
        return EngineBuilder(engine, ClassicBuilder(engine))
    if kind is BackendKind.BUILDKIT and client is not None:
        return EngineBuilder(engine, BuildKitBuilder(client, engine.address, environment))
    program = find_program(BUILDCTL, environment)
    if kind is BackendKind.BUILDCTL and program is not None and buildkit is not None:
        return EngineBuilder(engine, BuildctlBuilder(program, buildkit, engine, environment))
    raise _gone(kind)


def engineless(
    folder: Path, environment: Mapping[str, str], insecure: Collection[str], keeper: Engine | None
) -> tuple[BuildahImages, BuildahBuilder]:
    """buildah with a store below a folder. `keeper` takes what is not pushed, if there is one.

    Raises EngineUnavailable if buildah is gone.
    """
    program = find_program(BUILDAH, environment)
    if program is None:
        raise _gone(BackendKind.BUILDAH)
    store = Store(program, folder / BUILDAH, environment, insecure)

    def keep(archive: Path, image_id: str, names: tuple[str, ...]) -> None:
        if keeper is not None:
            keeper.load(archive)
            for name in names:
                keeper.tag(image_id, name)

    builder = BuildahBuilder(store, keep if keeper is not None else None)
    return BuildahImages(store, keeper.remove_image if keeper is not None else None), builder


def _gone(kind: BackendKind) -> EngineUnavailable:
    return EngineUnavailable(f"{kind} has gone since it was asked", hint="run again")


class EngineBuilder:
    """A builder of an engine; a request may want the engine's own old one instead."""

    def __init__(self, engine: Engine, chosen: _Builder) -> None:
        self._engine = engine
        self._chosen = chosen
        self.name = chosen.name
        self.secrets = chosen.secrets
        self.cache = chosen.cache

    def build(
        self, request: BuildRequest, on_output: Callable[[bytes], None], stopping: Stopping
    ) -> BuildResult:
        """Build; stops soon after `stopping` is true. Raises EngineUnavailable."""
        builder = ClassicBuilder(self._engine) if request.classic else self._chosen
        return builder.build(request, on_output, stopping)
