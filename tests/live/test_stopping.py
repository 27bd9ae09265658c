"""How containers end on the real engine: told to, by themselves, and both at nearly one time."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable
from typing import Any

import docker
import pytest

from reconciler.adapters.docker.containers import EngineContainers
from reconciler.adapters.docker.engine import open_engine
from reconciler.model.container import ContainerEnd, ContainerRequest, Stream
from tests.live.test_steps import codes, run
from tests.live.workshop import Workshop

NAME = "rt-test-{}"


def ended(
    name: str,
    base_image: str,
    script: str,
    stopping: Callable[[], bool],
    heard: Callable[[bytes, Stream], None] = lambda _chunk, _stream: None,
) -> ContainerEnd:
    containers = EngineContainers(open_engine(None, {}), f"test-{uuid.uuid4().hex}")
    request = ContainerRequest(name=name, image=base_image, labels={}, argv=("sh", "-c", script))
    return containers.run(request, heard, stopping, lambda: None)


@pytest.fixture
def name() -> str:
    return NAME.format(uuid.uuid4().hex[:12])


def test_what_ended_by_itself_was_not_stopped_though_it_was_about_to_be(
    engine: docker.DockerClient, base_image: str, name: str
) -> None:
    gone = threading.Event()

    def heard(_chunk: bytes, _stream: Stream) -> None:
        engine.containers.get(name).wait()
        gone.set()

    end = ended(name, base_image, "echo bye; exit 6", gone.is_set, heard)
    assert (end.exit_code, end.stopped) == (6, False)


def test_a_container_that_is_to_end_before_it_has_started_is_asked_first(
    base_image: str, name: str
) -> None:
    end = ended(name, base_image, "exec sleep 60", lambda: True)
    assert (end.exit_code, end.stopped) == (143, True)


def test_a_handler_of_a_second_is_waited_for(workshop: Workshop) -> None:
    handler = 'trap "echo got term; sleep 1; echo bye; exit 0" TERM; echo up; '
    script = handler + "while true; do sleep 0.1; done"
    done = run(
        workshop,
        {"id": "polite", "cmd": f"sh -c '{script}'", "when": ["-"]},
        {"id": "bad", "cmd": "sh -c 'sleep 2; exit 3'", "when": ["-"]},
    )
    said = re.findall(r"^polite +\| (.*)$", done.stdout, re.MULTILINE)
    assert said == ["up", "got term", "bye"]
    assert codes(workshop) == {"polite": ("canceled", None), "bad": ("failed", 3)}


@pytest.mark.parametrize(
    ("words", "code"), [("sh -c 'echo dying; exit 9'", 9), ("/nope", 127), ("true", 0)]
)
@pytest.mark.parametrize("before", [[], [{"id": "first", "cmd": "true"}]])
def test_a_detached_container_that_ends_at_once_is_told_even_if_it_is_the_last_step(
    workshop: Workshop, before: list[dict[str, Any]], words: str, code: int
) -> None:
    done = run(workshop, *map(dict, before), {"id": "d", "cmd": words, "detach": True})
    assert done.returncode == 0, done.stdout + done.stderr
    assert codes(workshop)["d"] == ("detached-exited", code)
    assert f"detached-exited ({code})" in done.stdout


def test_a_detached_container_that_goes_on_is_a_success(workshop: Workshop) -> None:
    done = run(workshop, {"id": "d", "cmd": "sleep 60", "detach": True})
    assert done.returncode == 0, done.stdout + done.stderr
    assert codes(workshop)["d"] == ("succeeded", None)


def test_an_ignored_timeout_is_told_as_one(workshop: Workshop) -> None:
    slow = {"id": "slow", "cmd": "sleep 60", "timeout": 1, "ignoreErrors": True}
    done = run(workshop, slow, {"id": "next", "cmd": "true"})
    assert done.returncode == 0, done.stdout + done.stderr
    step = workshop.last()["steps"][0]
    assert (step["status"], step["reason"], step["exitCode"]) == ("failed-ignored", "timeout", None)
    assert "failed-ignored (timeout)" in done.stdout


def test_the_hint_names_the_step_that_failed_and_not_one_that_was_stopped(
    workshop: Workshop,
) -> None:
    done = run(
        workshop,
        {"id": "bad", "cmd": "sh -c 'sleep 1; exit 6'", "when": ["-"]},
        {"id": "other", "cmd": "sleep 60", "when": ["-"]},
    )
    assert done.returncode == 4
    assert f"logs {workshop.last()['id']} --step bad" in " ".join(done.stderr.split())
