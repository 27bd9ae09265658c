"""Builds by the command where there is no engine, for Windows, and with what nobody gives."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import time
import uuid
from pathlib import Path
from typing import Any

import docker
import httpx
import pytest
import yaml

from tests.live.conftest import unavailable
from tests.live.marked import running
from tests.live.workshop import COMMAND, Workshop

SOCKET = "/var/run/docker.sock"


@pytest.fixture(autouse=True)
def needs_buildah() -> None:
    if shutil.which("buildah") is None:
        unavailable("buildah is not installed")


@pytest.fixture
def served(workshop: Workshop, engine: docker.DockerClient) -> Workshop:
    """A workshop whose base image comes from its registry: without an engine there is no other."""
    name = f"{workshop.registry}/base-{uuid.uuid4().hex[:8]}"
    engine.images.get(workshop.base).tag(name, "1")
    engine.images.push(name, "1")
    engine.images.remove(f"{name}:1")
    workshop.base = f"{name}:1"
    return workshop


def without_engine(workshop: Workshop) -> Workshop:
    workshop.environment["DOCKER_HOST"] = f"unix://{workshop.root}/none.sock"
    return workshop


def manifest(workshop: Workshop, image: str) -> dict[str, Any]:
    repository, _, tag = image.partition(":")
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    return fetched(workshop, f"{repository}/manifests/{tag}", kind)


def config(workshop: Workshop, image: str) -> dict[str, Any]:
    digest = manifest(workshop, image)["config"]["digest"]
    return fetched(workshop, f"{image.partition(':')[0]}/blobs/{digest}", "*/*")


def fetched(workshop: Workshop, path: str, kind: str) -> dict[str, Any]:
    answer = httpx.get(f"http://{workshop.registry}/v2/{path}", headers={"Accept": kind})
    return dict(answer.raise_for_status().json())


def image_name() -> str:
    return f"made-{uuid.uuid4().hex[:8]}:1"


def test_an_image_is_built_and_pushed_where_no_engine_answers(served: Workshop) -> None:
    workshop, image = without_engine(served), image_name()
    workshop.context("app", "ARG V", "RUN echo made-$V > /made", "LABEL org.example.l=1")
    done = workshop.call("build", "app", "-r", "contoso", "-t", image, "--build-arg", "V=7")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no container engine answers" in done.stdout
    assert "buildah builds without one" in done.stdout
    assert "not consumed" not in done.stdout
    last = workshop.last()
    assert last["builder"] == "buildah"
    assert last["bases"][0]["digest"].startswith("sha256:")
    labels = config(workshop, image)["config"]["Labels"]
    assert labels["org.example.l"] == "1"
    assert labels["io.reconciler.run"] == last["id"]
    assert labels["org.opencontainers.image.base.digest"] == last["bases"][0]["digest"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may hide the engine's socket")
def test_an_image_is_built_and_pushed_with_every_engine_gone(served: Workshop) -> None:
    if not Path(SOCKET).exists():
        unavailable("the engine is not at its usual place")
    image = image_name()
    served.context("app", "RUN echo made > /made")
    command = [*COMMAND, "build", "app", "-r", "contoso", "-t", image]
    hidden = ["unshare", "--mount", "sh", "-c", f'mount --bind /dev/null {SOCKET} && exec "$@"']
    settings = {key: value for key, value in served.settings().items() if key != "DOCKER_HOST"}
    done = subprocess.run(
        [*hidden, "sh", *command], cwd=served.root, env=settings, text=True,
        stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert config(served, image)["os"] == "linux"


def test_a_task_file_that_only_builds_and_pushes_needs_no_engine(served: Workshop) -> None:
    workshop, image = without_engine(served), image_name()
    other = image.replace("made", "next")
    folder = workshop.context("ctx", "RUN echo made > /made")
    registry = "{{.Run.Registry}}"
    (folder / "Next").write_text(f"FROM {workshop.registry}/{image}\nRUN grep made /made\n")
    steps = [
        {"build": f"-t {registry}/{image} ."},
        {"build": f"-t {registry}/{other} -f Next ."},
        {"push": [f"{registry}/{image}", f"{registry}/{other}"]},
    ]
    (folder / "task.yaml").write_text(yaml.safe_dump({"version": "v1.1.0", "steps": steps}))
    done = workshop.call("run", "-f", "task.yaml", "-r", "contoso", "ctx")
    assert done.returncode == 0, done.stdout + done.stderr
    assert config(workshop, other)["os"] == "linux"


def test_a_cmd_step_needs_an_engine(served: Workshop) -> None:
    workshop = without_engine(served)
    folder = workshop.context("ctx")
    steps = [{"build": "-t x:1 ."}, {"cmd": "x:1 true"}]
    (folder / "task.yaml").write_text(yaml.safe_dump({"version": "v1.1.0", "steps": steps}))
    done = workshop.call("run", "-f", "task.yaml", "ctx")
    assert done.returncode == 1
    assert "no container engine answers" in done.stdout + done.stderr


def test_an_image_for_windows_is_put_together_and_pushed(workshop: Workshop) -> None:
    image = image_name()
    folder = workshop.context("win")
    (folder / "app.exe").write_text("MZ")
    (folder / "Dockerfile").write_text('FROM scratch\nCOPY app.exe /\nENTRYPOINT ["/app.exe"]\n')
    words = ("build", "win", "-r", "contoso", "-t", image, "--platform", "windows/amd64")
    done = workshop.call(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    found = config(workshop, image)
    assert (found["os"], found["architecture"]) == ("windows", "amd64")
    assert workshop.last()["builder"] == "buildah"


def test_a_command_for_windows_is_refused_before_the_build(workshop: Workshop) -> None:
    folder = workshop.context("win")
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\nRUN dir\n")
    done = workshop.call("build", "win", "--platform", "windows/amd64")
    assert done.returncode == 1
    shown = " ".join((done.stdout + done.stderr).split())
    assert "puts windows/amd64 together from COPY and ADD, and cannot RUN there" in shown
    assert "STEP" not in shown


def test_a_secret_that_nobody_gives_is_told_before_the_build(workshop: Workshop) -> None:
    workshop.context("app", "RUN echo begun", "RUN --mount=type=secret,id=NPM cat /run/secrets/NPM")
    done = workshop.call("build", "app")
    assert done.returncode == 4
    shown = " ".join((done.stdout + done.stderr).split())
    assert "Dockerfile line 3 mounts the secret NPM, and nobody gives it" in shown
    assert "--secret NPM=env:VARIABLE" in shown
    assert "begun" not in shown


def test_a_secret_is_mounted_without_an_engine_and_stays_out_of_the_image(served: Workshop) -> None:
    workshop, image = without_engine(served), image_name()
    workshop.environment["NPM"] = "planted-7f31a9"
    workshop.context("app", "RUN --mount=type=secret,id=NPM wc -c < /run/secrets/NPM")
    done = workshop.call("build", "app", "-r", "contoso", "-t", image, "--secret", "NPM")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "planted" not in done.stdout + done.stderr + json.dumps(config(workshop, image))


@pytest.mark.parametrize("compat", ["strict", "acb"])
def test_a_step_mounts_a_secret_that_the_task_is_given(served: Workshop, compat: str) -> None:
    served.environment["NPM"] = "planted-7f31a9-value"
    folder = served.context("ctx", "RUN --mount=type=secret,id=npm wc -c < /run/secrets/npm")
    step = {"build": "--no-cache --secret id=npm,env=TOKEN .", "env": ["TOKEN={{.Values.npm}}"]}
    (folder / "task.yaml").write_text(yaml.safe_dump({"version": "v1.1.0", "steps": [step]}))
    words = ("run", "-f", "task.yaml", "--compat", compat, "--set-secret", "npm=env:NPM", "ctx")
    done = served.call(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\b20$", done.stdout, re.MULTILINE)
    assert "planted" not in done.stdout + done.stderr


def test_layers_are_kept_and_taken_without_an_engine(served: Workshop) -> None:
    workshop, image = without_engine(served), image_name()
    folder = workshop.context("ctx", "RUN cat /proc/sys/kernel/random/uuid > /id")
    name = f"{{{{.Run.Registry}}}}/{image}"
    steps = [{"id": "b", "build": f"-t {name} .", "cache": "enabled"}, {"push": [name]}]
    (folder / "task.yaml").write_text(yaml.safe_dump({"version": "v1.1.0", "steps": steps}))
    digests = []
    for _ in range(2):
        done = workshop.call("run", "-f", "task.yaml", "-r", "contoso", "ctx")
        assert done.returncode == 0, done.stdout + done.stderr
        digests.append(manifest(workshop, image)["layers"])
    assert digests[0] == digests[1]
    assert "Cache pulled from remote" in done.stdout


@pytest.mark.parametrize("backend", ["buildkit", "buildah"])
def test_an_image_with_a_secret_in_its_history_is_not_pushed(
    served: Workshop, backend: str, engine: docker.DockerClient
) -> None:
    file = served.root / "reconciler.yaml"
    file.write_text(file.read_text() + f"platforms: {{linux/amd64: {{backend: {backend}}}}}\n")
    secret, image = "planted-7f31a9-value", image_name()
    served.environment["NPM"] = secret
    served.context(
        "app",
        "ARG SPELLED",
        "RUN --mount=type=secret,id=NPM test -e /run/secrets/NPM; true $SPELLED",
    )
    words = ("build", "app", "-r", "contoso", "-t", image, "--secret", "NPM")
    # Another spelling: the value itself would be refused as an argument, before the build.
    spelled = base64.b64encode(secret.encode()).decode()
    for more in ([], ["--no-push"]):
        done = served.call(*words, "--build-arg", f"SPELLED={spelled}", *more)
        with pytest.raises(docker.errors.ImageNotFound):
            engine.images.get(f"{served.registry}/{image}")
    assert done.returncode == 4
    shown = " ".join((done.stdout + done.stderr).split())
    assert "the secret NPM stands in the image's history or settings; not pushed" in shown
    assert httpx.get(f"http://{served.registry}/v2/{image[:-2]}/tags/list").status_code == 404
    assert served.last()["builder"] == backend
    assert served.call(*words, "--build-arg", "SPELLED=other").returncode == 0


def test_an_image_of_buildah_that_is_not_pushed_comes_to_the_engine(
    served: Workshop, engine: docker.DockerClient
) -> None:
    file = served.root / "reconciler.yaml"
    file.write_text(file.read_text() + "platforms: {linux/amd64: {backend: buildah}}\n")
    image = image_name()
    served.context("app", "RUN echo made > /made")
    done = served.call("build", "app", "-r", "contoso", "-t", image, "--no-push")
    assert done.returncode == 0, done.stdout + done.stderr
    assert served.last()["builder"] == "buildah"
    assert (
        engine.images.get(f"{served.registry}/{image}").id == served.last()["outputs"][0]["imageId"]
    )


def test_after_a_kill_nothing_is_left_of_buildah(served: Workshop) -> None:
    workshop, mark = without_engine(served), str(100_000 + uuid.uuid4().int % 100_000)
    workshop.context("app", f"RUN setsid sleep {mark} & sleep {mark}")
    process = workshop.start("build", "app")
    wait_for(lambda: running(mark))
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    work = workshop.root / ".reconciler" / "work"
    assert list(work.glob("*/buildah"))
    wait_for(lambda: not running(mark))  # at once, and not when the next command comes
    workshop.call("runs")
    assert list(work.iterdir()) == []
    assert str(workshop.root) not in Path("/proc/mounts").read_text()


def wait_for(come: Any, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not come():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)
