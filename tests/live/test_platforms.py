"""Another platform than the engine's own: built, run and pushed under emulation."""

from __future__ import annotations

import itertools
import uuid
from pathlib import Path
from typing import Any

import docker
import httpx
import pytest
import yaml

from reconciler.adapters.docker import trial
from reconciler.adapters.docker.engine import open_engine
from reconciler.adapters.docker.tiny_programs import TRIED
from reconciler.adapters.docker.trial import LABEL, runnable_platforms
from tests.live.conftest import BASE_IMAGE, has_image, unavailable
from tests.live.workshop import Workshop

pytestmark = pytest.mark.live
ARM64 = "linux/arm64"


@pytest.fixture(scope="session")
def arm64_base(engine: docker.DockerClient) -> str:
    """A base image of arm64, on an engine that runs it."""
    name = f"{BASE_IMAGE}-arm64"
    if not has_image(engine, name):
        unavailable(f"there is no image {name}; make it, or see why not, with: .ci/services arm64")
    if not runnable_platforms(open_engine(None, {}), [ARM64]):
        unavailable("the engine runs no program of arm64; see why not with: .ci/services arm64")
    return name


def write_task(
    workshop: Workshop, name: str, step: dict[str, Any], platform: str = "Linux/ARM64/v8"
) -> None:
    (workshop.root / "specs").mkdir(exist_ok=True)
    task = {
        "apiVersion": "reconciler/v1",
        "kind": "Task",
        "metadata": {"name": name, "registry": "contoso"},
        "spec": {"platform": platform, "context": {"source": "ctx"}, "step": step},
    }
    (workshop.root / "specs" / f"{name}.yaml").write_text(yaml.safe_dump(task))


def run(workshop: Workshop, name: str) -> str:
    applied = workshop.call("apply", "--auto-approve")
    assert applied.returncode == 0, applied.stderr
    done = workshop.call("run", name)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pushed_config(registry: str, repository: str, tag: str) -> dict[str, Any]:
    """The settings of an image as the registry has it."""

    def get(path: str) -> dict[str, Any]:
        kind = "application/vnd.docker.distribution.manifest.v2+json"
        answer = httpx.get(f"http://{registry}/v2/{repository}/{path}", headers={"Accept": kind})
        return dict(answer.raise_for_status().json())

    return get(f"blobs/{get(f'manifests/{tag}')['config']['digest']}")


def test_a_task_of_another_platform_is_built_and_pushed_for_it(
    workshop: Workshop, arm64_base: str
) -> None:
    name = f"test-{uuid.uuid4().hex[:8]}"
    folder = workshop.context("ctx")
    told = f'RUN echo "{name} is built on $(uname -m)"'  # new each time: no layer is reused
    (folder / "Dockerfile").write_text(f"FROM {arm64_base}\n{told}\n")
    write_task(workshop, name, {"docker": {"images": [f"{name}:1"]}})
    assert f"{name} is built on aarch64" in run(workshop, name)
    config = pushed_config(workshop.registry, name, "1")
    assert (config["os"], config["architecture"]) == ("linux", "arm64")


def test_a_step_of_another_platform_runs_on_it(workshop: Workshop, arm64_base: str) -> None:
    name = f"test-{uuid.uuid4().hex[:8]}"
    workshop.context("ctx")
    steps = [{"id": "look", "cmd": f"{arm64_base} sh -c 'echo running on $(uname -m)'"}]
    write_task(workshop, name, {"inline": {"steps": steps}})
    assert "running on aarch64" in run(workshop, name)


@pytest.mark.parametrize("platform", ["linux/arm64", "windows/amd64"])
def test_a_step_whose_image_is_for_another_platform_is_not_started(
    workshop: Workshop, platform: str
) -> None:
    workshop.context("ctx")
    steps = [{"id": "look", "cmd": f"{workshop.base} sh -c 'echo running on $(uname -m)'"}]
    write_task(workshop, "look-here", {"inline": {"steps": steps}}, platform)
    assert workshop.call("apply", "--auto-approve").returncode == 0
    done = workshop.call("run", "look-here")
    assert done.returncode == 1
    shown = " ".join((done.stdout + done.stderr).split())
    assert f"is for linux/amd64, and this task has platform: {platform}" in shown
    assert "running on" not in shown
    assert workshop.last()["reason"] == "engine"


def test_a_platform_is_done_by_the_engine_that_is_declared_for_it(
    workshop: Workshop, tmp_path: Path
) -> None:
    config = workshop.root / "reconciler.yaml"
    gone = f"unix://{tmp_path}/gone.sock"
    config.write_text(config.read_text() + f"platforms: {{linux/arm64: {{engine: '{gone}'}}}}\n")
    workshop.context("ctx", "RUN true")
    here = workshop.call("build", "ctx", "-r", "contoso", "--no-push")
    assert here.returncode == 0, here.stdout + here.stderr
    steps = [{"id": "look", "cmd": f"{workshop.base} true"}]
    write_task(workshop, "look-there", {"inline": {"steps": steps}})
    assert workshop.call("apply", "--auto-approve").returncode == 0
    there = workshop.call("run", "look-there")
    assert there.returncode == 1
    told = "".join((there.stdout + there.stderr).split())  # a long path is broken anywhere
    assert f"nocontainerengineanswersat{gone}" in told


def test_an_engine_is_asked_by_programs_that_leave_nothing(
    engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Others may be asking at the same time.
    ours, numbers = uuid.uuid4().hex[:8], itertools.count()
    monkeypatch.setattr(trial, "new_id", lambda prefix, _: f"{prefix}{ours}-{next(numbers)}")
    own = f"linux/{engine.version()['Arch']}"
    found = runnable_platforms(open_engine(None, {}), TRIED)
    assert own in found
    if own == "linux/amd64":
        # A program that its kernel does not know is not run: emulation is not taken on trust.
        emulator = Path("/proc/sys/fs/binfmt_misc/qemu-arm")
        assert ("linux/arm/v7" in found) == emulator.exists()
    assert engine.api.containers(all=True, filters={"name": ours}) == []
    left = (image["Labels"][LABEL] for image in engine.api.images(filters={"label": LABEL}))
    assert [label for label in left if ours in label] == []
    assert next(numbers) == 2 * len(TRIED)  # an image and a container of each
