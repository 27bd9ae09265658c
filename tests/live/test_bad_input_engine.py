"""The engine goes away, or the run's own process is killed: it is told, and cleared up after."""

from __future__ import annotations

import re
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import docker
import pytest

from tests.live.marked import running
from tests.live.test_runs import Bridge
from tests.live.test_steps import STUBBORN, task
from tests.live.trouble import GONE_SECONDS, Stall, processes_of, things_of, wait_for, within
from tests.live.workshop import Workshop

Start = Callable[[Workshop, ExitStack], subprocess.Popen[str]]
# Never in the layer cache of the engine, and known among all processes.
MARK = str(100_000 + uuid.uuid4().int % 100_000)


# ----------------------------------------------------------- what it is doing
def building(workshop: Workshop, _: ExitStack) -> subprocess.Popen[str]:
    steps = {"id": "first", "cmd": "true"}, {"id": "pack", "build": "--no-cache -t a:1 ."}
    path = task(workshop, *steps)
    workshop.context("ctx", f"RUN echo begun; sleep {MARK}")
    process = workshop.start("run", "-f", path, "ctx")
    wait_for(process, r"^pack     \| #\d+ [\d.]+ begun")
    return process


def pushing(workshop: Workshop, stack: ExitStack) -> subprocess.Popen[str]:
    stall = stack.enter_context(Stall(workshop.registry, b"PATCH /v2/"))
    image = f"{stall.address}/test-{uuid.uuid4().hex[:12]}:1"
    steps = {"id": "first", "cmd": "true"}, {"id": "pack", "build": f"-t {image} ."}
    path = task(workshop, *steps, {"id": "send", "push": [image]})
    workshop.context("ctx", f"RUN echo {uuid.uuid4()} > /file")
    process = workshop.start("run", "-f", path, "ctx", "-r", stall.address)
    assert stall.reached.wait(60)
    return process


def commanding(workshop: Workshop, _: ExitStack) -> subprocess.Popen[str]:
    steps = {"id": "deaf", "cmd": STUBBORN}, {"id": "next", "cmd": "true"}
    process = workshop.start("run", "-f", task(workshop, *steps), "ctx")
    wait_for(process, r"^deaf     \| begun")
    return process


DOING = pytest.mark.parametrize("start", [building, pushing, commanding])


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as found:
        yield found


# --------------------------------------------------------------------- tests
@DOING
def test_an_engine_that_goes_away_is_named_and_the_next_run_clears_up(
    workshop: Workshop, stack: ExitStack, engine: docker.DockerClient, start: Start
) -> None:
    bridge = stack.enter_context(Bridge(workshop.root / "engine.sock"))
    workshop.environment["DOCKER_HOST"] = f"unix://{bridge.path}"
    process = start(workshop, stack)
    bridge.collapse()
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1, said
    record = workshop.last()
    assert (record["status"], record["reason"]) == ("Error", "engine")
    assert [step["status"] for step in record["steps"]].count("failed") == 1
    assert "running" not in {step["status"] for step in record["steps"]}
    assert "Traceback" not in said
    assert "engine" in said
    assert workshop.call("logs", record["id"]).returncode == 0
    del workshop.environment["DOCKER_HOST"]
    assert_cleared_up(workshop, engine, record["id"])


@DOING
def test_a_killed_run_is_lost_and_the_next_one_clears_up_and_says_so(
    workshop: Workshop, stack: ExitStack, engine: docker.DockerClient, start: Start
) -> None:
    process = start(workshop, stack)
    run_id = workshop.last()["id"]
    process.kill()
    process.communicate()
    # The kernel ends what it had started with it.
    assert within(GONE_SECONDS, lambda: processes_of(workshop.root) == [])
    assert things_of(engine, run_id)
    done = workshop.call("run", "--cmd", f"{workshop.base} true", "/dev/null")
    assert done.returncode == 0, done.stderr
    assert f"run {run_id}" in " ".join(done.stderr.split())
    assert "is lost" in done.stderr
    assert re.search(rf"cleared up after run {run_id}: .*1 network, 1 volume", done.stderr)
    assert things_of(engine, run_id) == []
    assert within(20, lambda: not running(MARK))
    assert list((workshop.root / ".reconciler" / "work").iterdir()) == []
    records = {record["id"]: record for record in workshop.records()}
    assert (records[run_id]["status"], records[run_id]["reason"]) == ("Failed", "lost")
    assert "running" not in {step["status"] for step in records[run_id]["steps"]}
    assert workshop.call("logs", run_id).returncode == 0
    assert "is lost" not in workshop.call("runs").stderr


def test_a_build_clears_up_too(
    workshop: Workshop, stack: ExitStack, engine: docker.DockerClient
) -> None:
    with Bridge(workshop.root / "engine.sock") as bridge:
        workshop.environment["DOCKER_HOST"] = f"unix://{bridge.path}"
        process = commanding(workshop, stack)
        bridge.collapse()
        process.communicate(timeout=60)
    del workshop.environment["DOCKER_HOST"]
    run_id = workshop.last()["id"]
    assert things_of(engine, run_id)
    workshop.context("app")
    done = workshop.call("build", "app")
    told = rf"cleared up after run {run_id}: 1 container, 1 network, 1 volume"
    assert len(re.findall(told, done.stdout)) == 1, done.stdout
    assert things_of(engine, run_id) == []
    assert "cleared up" not in workshop.call("build", "app").stdout


def assert_cleared_up(workshop: Workshop, engine: docker.DockerClient, run_id: str) -> None:
    """The next run removes what is left on the engine, and says so in its log."""
    assert things_of(engine, run_id)
    done = workshop.call("run", "--cmd", f"{workshop.base} true", "/dev/null")
    assert re.search(rf"cleared up after run {run_id}: .*1 network, 1 volume", done.stdout)
    assert things_of(engine, run_id) == []
