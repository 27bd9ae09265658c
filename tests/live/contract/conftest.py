"""Each backend that is here, with a context to build from."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from reconciler.adapters.docker.engine import Engine, open_engine
from reconciler.adapters.docker.transfer import EngineImages
from reconciler.adapters.files import private_folder
from reconciler.model.capability import BackendKind
from tests.live.contract.builders import ENVIRONMENT, Bench, Pair, buildah_pair, engine_builder


@pytest.fixture
def opened(engine: docker.DockerClient) -> Iterator[Engine]:
    found = open_engine(None, ENVIRONMENT)
    yield found
    found.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder that goes away with everything in it, whoever owns it."""
    with private_folder(tmp_path / "place") as folder:
        yield folder


@pytest.fixture(params=list(BackendKind), ids=str)
def pair(request: pytest.FixtureRequest, opened: Engine, place: Path) -> Pair:
    kind = request.param
    if kind is BackendKind.BUILDAH:
        return buildah_pair(place)
    return Pair(engine_builder(kind, opened), EngineImages(opened))


@pytest.fixture(scope="session")
def served_base(engine: docker.DockerClient, base_image: str, registry: str) -> Iterator[str]:
    """The base image under a name that a registry serves."""
    name = f"{registry}/base-{uuid.uuid4().hex}"
    engine.images.get(base_image).tag(name, "1")
    engine.images.push(name, "1")
    yield f"{name}:1"
    engine.images.remove(f"{name}:1")


@pytest.fixture
def bench(
    pair: Pair, tmp_path: Path, served_base: str, registry: str, engine: docker.DockerClient
) -> Iterator[Bench]:
    folder = tmp_path / "context"
    folder.mkdir()
    if pair.images.image(served_base) is None:
        assert pair.images.pull(served_base, "linux/amd64", None, lambda: False).refusal is None
    found = Bench(pair.builder, pair.images, folder, served_base, registry)
    yield found
    for image in set(found.made) if isinstance(pair.images, EngineImages) else ():
        engine.api.remove_image(image, force=True)
