"""A run is canceled in the middle of everything it does: it ends in order and leaves nothing."""

from __future__ import annotations

import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from reconciler.model.container import RUN_LABEL, STEP_LABEL
from tests.live.git_server import make_repository, serve_git
from tests.live.marked import running
from tests.live.test_steps import STUBBORN, task
from tests.live.trouble import GONE_SECONDS, Stall, processes_of, things_of, wait_for, within
from tests.live.workshop import Workshop


@dataclass
class Scene:
    """A run in the middle of something, and what its steps are once it was canceled."""

    process: subprocess.Popen[str]
    steps: dict[str, str]
    mark: str = "-"  # a word of a command that the engine runs for it


def number() -> str:
    return str(100_000 + uuid.uuid4().int % 100_000)


# -------------------------------------------------------------------- scenes
def quick_build(workshop: Workshop, _: ExitStack) -> Scene:
    mark = number()
    workshop.context("app", f"RUN echo begun; sleep {mark}")
    process = workshop.start("build", "app", "--no-cache", "-t", "never")
    wait_for(process, r"^build    \| #\d+ [\d.]+ begun")
    return Scene(process, {"build": "canceled", "push": "skipped"}, mark)


def quick_push(workshop: Workshop, stack: ExitStack) -> Scene:
    stall = stack.enter_context(Stall(workshop.registry, b"PATCH /v2/"))
    workshop.context("app", f"RUN echo {number()} > /file")
    process = workshop.start("build", "app", "-r", stall.address, "-t", f"test-{number()}")
    assert stall.reached.wait(60)
    return Scene(process, {"build": "succeeded", "push": "canceled"})


def build_step(workshop: Workshop, _: ExitStack) -> Scene:
    mark = number()
    steps = {"id": "pack", "build": "--no-cache -t a:1 ."}, {"id": "next", "cmd": "true"}
    path = task(workshop, *steps)
    workshop.context("ctx", f"RUN echo begun; sleep {mark}")
    process = workshop.start("run", "-f", path, "ctx")
    wait_for(process, r"^pack     \| #\d+ [\d.]+ begun")
    return Scene(process, {"pack": "canceled", "next": "skipped"}, mark)


def push_step(workshop: Workshop, stack: ExitStack) -> Scene:
    stall = stack.enter_context(Stall(workshop.registry, b"PATCH /v2/"))
    image = f"{stall.address}/test-{number()}:1"
    path = task(
        workshop,
        {"id": "pack", "build": f"-t {image} ."},
        {"id": "send", "push": [image]},
        {"id": "next", "cmd": "true"},
    )
    workshop.context("ctx", f"RUN echo {number()} > /file")
    process = workshop.start("run", "-f", path, "ctx", "-r", stall.address)
    assert stall.reached.wait(60)
    return Scene(process, {"pack": "succeeded", "send": "canceled", "next": "skipped"})


def cmd_step(workshop: Workshop, _: ExitStack) -> Scene:
    steps = {"id": "deaf", "cmd": STUBBORN}, {"id": "next", "cmd": "true"}
    process = workshop.start("run", "-f", task(workshop, *steps), "ctx")
    wait_for(process, r"^deaf     \| begun")
    return Scene(process, {"deaf": "canceled", "next": "skipped"})


def retry_delay(workshop: Workshop, stack: ExitStack) -> Scene:
    failing = {"id": "bad", "cmd": "sh -c 'echo begun; exit 1'", "retries": 9, "retryDelay": 600}
    process = workshop.start("run", "-f", task(workshop, failing), "ctx")
    wait_for(process, r"^bad      \| begun")
    run_id = workshop.last()["id"]
    engine = docker.from_env()
    stack.callback(engine.close)
    wanted = {"label": [f"{RUN_LABEL}={run_id}", STEP_LABEL]}
    assert within(20, lambda: not engine.api.containers(all=True, filters=wanted))
    return Scene(process, {"bad": "canceled"})


def git_fetch(workshop: Workshop, stack: ExitStack, *words: str) -> Scene:
    root = workshop.root.parent / f"repositories-{number()}"
    make_repository(root, "app", {"Dockerfile": f"FROM {workshop.base}\n"})
    server = stack.enter_context(serve_git(root))
    stall = stack.enter_context(Stall(server.host, b"POST /app.git/git-upload-pack"))
    with (workshop.root / "reconciler.yaml").open("a") as file:
        file.write(f'hosts: {{"{stall.address}": {{insecure: true}}}}\n')
    source = f"http://{stall.address}/app.git#trunk"
    process = workshop.start("build", source, "-t", "never", *words)
    assert stall.reached.wait(60)
    return Scene(process, {"build": "skipped", "push": "skipped"})


SCENES = (quick_build, quick_push, build_step, push_step, cmd_step, retry_delay, git_fetch)


# --------------------------------------------------------------------- tests
@pytest.fixture(params=SCENES, ids=lambda scene: scene.__name__)
def scene(request: pytest.FixtureRequest, workshop: Workshop) -> Iterator[Scene]:
    enter: Callable[[Workshop, ExitStack], Scene] = request.param
    with ExitStack() as stack:
        found = enter(workshop, stack)
        yield found
        if found.process.poll() is None:
            found.process.kill()
        found.process.communicate()


def stop_by_signal(scene: Scene, _: Workshop, __: str) -> int:
    scene.process.send_signal(signal.SIGINT)
    return 130


def stop_by_command(_: Scene, workshop: Workshop, run_id: str) -> int:
    done = workshop.call("cancel", run_id)
    assert (done.returncode, done.stdout) == (0, f"run {run_id}: canceled\n")
    return 4


@pytest.mark.parametrize("stop", [stop_by_signal, stop_by_command])
def test_nothing_is_left_of_a_run_that_was_canceled(
    workshop: Workshop,
    scene: Scene,
    engine: docker.DockerClient,
    stop: Callable[[Scene, Workshop, str], int],
) -> None:
    run_id = workshop.last()["id"]
    assert processes_of(workshop.root)
    code = stop(scene, workshop, run_id)
    said, _ = scene.process.communicate(timeout=30)
    assert scene.process.returncode == code, said
    assert within(GONE_SECONDS, lambda: left(workshop.root, engine, run_id, scene.mark) == []), (
        left(workshop.root, engine, run_id, scene.mark)
    )
    record = workshop.last()
    assert (record["id"], record["status"], record["reason"]) == (run_id, "Canceled", "canceled")
    assert {step["name"]: step["status"] for step in record["steps"]} == scene.steps
    assert "Traceback" not in said
    assert workshop.call("logs", run_id).returncode == 0


def test_a_run_out_of_time_while_it_fetches_is_a_timeout(workshop: Workshop) -> None:
    with ExitStack() as stack:
        scene = git_fetch(workshop, stack, "--timeout", "3")
        said, _ = scene.process.communicate(timeout=30)
    assert scene.process.returncode == 4
    assert "stopped after its timeout of 3 s (reason: timeout)" in " ".join(said.split())
    assert workshop.last()["status"] == "Timeout"


def left(root: Path, engine: docker.DockerClient, run_id: str, mark: str) -> list[str]:
    """Processes of ours, things on the engine, commands that the engine runs for a build."""
    return [*processes_of(root), *things_of(engine, run_id), *["sleep"] * running(mark)]
