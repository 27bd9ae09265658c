"""What steps leave in the workspace, on the real engine: links that lead out harm only one step."""

from __future__ import annotations

from typing import Any

import pytest

from tests.live.test_steps import run, statuses
from tests.live.workshop import Workshop

LINK = "sh -c 'ln -s /proc/1/root pp; ln -s /proc/1/root/etc/passwd Linked; ln -s a b; ln -s b a'"
BUILDS = {
    "-f pp/x .": "dockerfile-missing",
    "-f Linked .": "dockerfile-missing",
    "-f a .": "dockerfile-missing",
    "pp": "source-missing",
    "pp/etc": "source-missing",
    "a/etc": "source-missing",
}


@pytest.mark.parametrize("build", BUILDS)
def test_a_link_that_leads_out_fails_its_step_and_is_not_followed(
    workshop: Workshop, build: str
) -> None:
    done = run(workshop, {"id": "link", "cmd": LINK}, {"id": "b", "build": build})
    record = workshop.last()
    assert (done.returncode, record["status"]) == (4, "Failed"), done.stdout + done.stderr
    assert record["reason"] == BUILDS[build]
    assert "root:" not in done.stdout + done.stderr
    assert statuses(workshop) == {"link": "succeeded", "b": "failed"}


def test_such_a_failure_can_be_ignored(workshop: Workshop) -> None:
    builds: list[dict[str, Any]] = [
        {"id": f"b{n}", "build": build, "ignoreErrors": True} for n, build in enumerate(BUILDS)
    ]
    done = run(workshop, {"cmd": LINK}, *builds, {"id": "next", "cmd": "true"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert {*statuses(workshop).values()} == {"succeeded", "failed-ignored"}
    assert statuses(workshop)["next"] == "succeeded"


def test_a_link_that_stays_inside_is_followed(workshop: Workshop) -> None:
    make = "sh -c 'mkdir deep && mv Dockerfile deep/Real && ln -s deep/Real Dockerfile'"
    done = run(workshop, {"cmd": make}, {"id": "b", "build": "."})
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_build_is_tried_again_for_a_file_that_is_not_there_yet(workshop: Workshop) -> None:
    write = f"sh -c 'sleep 1; echo FROM {workshop.base} > Late; sleep 60'"
    done = run(
        workshop,
        {"id": "writer", "cmd": write, "detach": True},
        {"id": "b", "build": "-f Late .", "retries": 20, "retryDelay": 1},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "there is no Dockerfile Late" in done.stdout
