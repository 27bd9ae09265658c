"""What images are built with: BuildKit where a client offers it. Builds nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

from reconciler.adapters.buildkit import BuildKitBuilder, find_client
from reconciler.adapters.docker import Engine
from reconciler.adapters.docker_build import ClassicBuilder
from reconciler.model.build import BuildRequest, BuildResult

Stopping = Callable[[], bool]


class EngineBuilder:
    """The best builder for an engine, looked for at its first use: most steps build nothing."""

    def __init__(self, engine: Engine, environment: Mapping[str, str]) -> None:
        self._engine = engine
        self._environment = environment

    @cached_property
    def _chosen(self) -> BuildKitBuilder | ClassicBuilder:
        client = find_client(self._environment)
        if client is None:
            return ClassicBuilder(self._engine)
        return BuildKitBuilder(client, self._engine.address, self._environment)

    @property
    def name(self) -> str:
        """What the record calls it."""
        return self._chosen.name

    @property
    def secrets(self) -> bool:
        """True if it can mount secrets."""
        return self._chosen.secrets

    @property
    def cache(self) -> str:
        """Where it keeps layers."""
        return self._chosen.cache

    def build(
        self, request: BuildRequest, on_output: Callable[[bytes], None], stopping: Stopping
    ) -> BuildResult:
        """Build; stops soon after `stopping` is true. Raises EngineUnavailable."""
        builder = ClassicBuilder(self._engine) if request.classic else self._chosen
        return builder.build(request, on_output, stopping)
