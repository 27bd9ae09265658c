"""Bases are pinned to what their registry serves now; `rerun` takes those of the old run."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from reconciler.adapters.registry import served_digest
from tests.live.workshop import Workshop

Publish = Callable[[str], str]


def unique() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def base(workshop: Workshop) -> str:
    """The name of a base in the registry, `registry/repository:1`."""
    return f"{workshop.registry}/{unique()}:1"


@pytest.fixture
def publish(workshop: Workshop, base: str, engine: docker.DockerClient, tmp_path: Path) -> Publish:
    """Serves another image under the tag; the engine's own copy of the tag stays what it is."""

    def push(content: str) -> str:
        folder = tmp_path / f"base-{content}"
        folder.mkdir()
        (folder / "Dockerfile").write_text(f"FROM {workshop.base}\nRUN echo {content} > /base\n")
        old = engine.images.list(name=base)
        image, _ = engine.images.build(path=str(folder), tag=base, rm=True)
        engine.images.push(base)
        if old:
            old[0].tag(base)
            # The engine forgets what it pushed: only the registry has the new one.
            engine.images.remove(str(image.id), force=True)
        repository = base.removeprefix(f"{workshop.registry}/").removesuffix(":1")
        return str(served_digest(workshop.registry, repository, "1"))

    return push


def test_an_engine_with_an_old_copy_of_a_tag_builds_on_the_new_image(
    workshop: Workshop, base: str, publish: Publish, engine: docker.DockerClient
) -> None:
    (workshop.context("app") / "Dockerfile").write_text(f"FROM {base}\nRUN echo is-$(cat /base)\n")
    first = publish(unique())
    assert workshop.call("build", "app").returncode == 0
    assert [(b["digest"], b["pinned"]) for b in workshop.last()["bases"]] == [(first, True)]
    stale = engine.images.get(base).id
    content = unique()
    second = publish(content)
    assert engine.images.get(base).id == stale
    done = workshop.call("build", "app")
    assert done.returncode == 0, done.stderr
    assert f"is-{content}" in done.stdout
    assert workshop.last()["bases"][0]["digest"] == second != first


def test_a_base_of_this_engine_only_is_recorded_as_not_pinned(workshop: Workshop) -> None:
    workshop.context("app")
    assert workshop.call("build", "app").returncode == 0
    base = workshop.last()["bases"][0]
    assert (base["pinned"], base["digest"]) == (False, None)
    assert base["imageId"].startswith("sha256:")


@pytest.mark.parametrize("file", ["Dockerfile", "build/app.Dockerfile"])
def test_the_own_ignore_file_of_a_dockerfile_holds_when_its_bases_are_pinned(
    workshop: Workshop, base: str, publish: Publish, file: str
) -> None:
    publish(unique())
    folder = workshop.context("app")
    (folder / "build").mkdir()
    (folder / file).write_text(f"FROM {base}\nCOPY . /app\nRUN ls /app\n")
    (folder / f"{file}.dockerignore").write_text("hidden\n")
    (folder / ".dockerignore").write_text("seen\n")
    for name in ("hidden", "seen"):
        (folder / f"{name}.txt").write_text(name)
        (folder / name).write_text(name)
    done = workshop.call("build", "app", "-f", file, "--no-cache")
    assert done.returncode == 0, done.stderr
    listed = {line.split()[-1] for line in done.stdout.splitlines() if line.startswith("build")}
    assert "seen" in listed
    assert "hidden" not in listed
