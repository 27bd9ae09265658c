"""Builders and the images they build into, each with a bench to try it on."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from reconciler.adapters.building.backends import probe_buildah
from reconciler.adapters.building.buildah import BuildahBuilder
from reconciler.adapters.building.buildah_images import BuildahImages
from reconciler.adapters.building.buildah_store import Store
from reconciler.adapters.building.buildctl import BUILDCTL, BuildctlBuilder
from reconciler.adapters.building.buildkit import BuildKitBuilder, find_client
from reconciler.adapters.building.classic import ClassicBuilder
from reconciler.adapters.docker.engine import Engine
from reconciler.adapters.processes.programs import find_program
from reconciler.model.build import BuildRequest, BuildResult
from reconciler.model.capability import BackendKind
from reconciler.runner.ports import Builder, Images
from tests.live.conftest import unavailable

ENVIRONMENT = dict(os.environ)


@dataclass(frozen=True)
class Pair:
    """A builder, and the images it builds into."""

    builder: Builder
    images: Images


def buildah_pair(place: Path, path: str = ENVIRONMENT["PATH"]) -> Pair:
    program, environment = find_program("buildah", ENVIRONMENT), {**ENVIRONMENT, "PATH": path}
    if program is None or not probe_buildah(environment):
        unavailable("buildah does not work here")
    store = Store(program, place, environment)
    return Pair(BuildahBuilder(store), BuildahImages(store))


def engine_builder(kind: BackendKind, opened: Engine) -> Builder:
    if kind is BackendKind.CLASSIC:
        return ClassicBuilder(opened)
    if kind is BackendKind.BUILDKIT:
        client = find_client(ENVIRONMENT)
        if client is None:
            unavailable("no docker client here can build with BuildKit")
        return BuildKitBuilder(client, opened.address, ENVIRONMENT)
    program, address = find_program(BUILDCTL, ENVIRONMENT), ENVIRONMENT.get("BUILDKIT_HOST")
    if program is None or address is None:
        pytest.skip("no buildctl and BUILDKIT_HOST here")
    return BuildctlBuilder(program, address, opened, ENVIRONMENT)


@dataclass
class Bench:
    """A context, and a builder to try on it. Images it made are removed afterwards."""

    builder: Builder
    images: Images
    folder: Path
    base: str
    registry: str
    output: bytes = b""
    made: list[str] = field(default_factory=list)

    def write(self, *lines: str, name: str = "Dockerfile") -> None:
        (self.folder / name).write_text("\n".join([f"FROM {self.base}", *lines, ""]))

    def request(self, **fields: object) -> BuildRequest:
        wanted = BuildRequest(self.folder, self.folder / "Dockerfile", platform="linux/amd64")
        return replace(wanted, **fields)  # type: ignore[arg-type]

    def build(self, stopping: Callable[[], bool] = lambda: False, **fields: object) -> BuildResult:
        def take(chunk: bytes) -> None:
            self.output += chunk

        result = self.builder.build(self.request(**fields), take, stopping)
        self.made += [result.image_id] if result.image_id else []
        return result

    def name(self) -> str:
        """A name in the registry that nothing has yet."""
        return f"{self.registry}/test-{uuid.uuid4().hex}:1"
