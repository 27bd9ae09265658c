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


def test_a_link_that_leads_above_its_context_is_carried_as_it_is(workshop: Workshop) -> None:
    targets = {"near": "../shared", "far": f"{'../' * 20}etc/passwd", "root": "/etc/passwd"}
    folder = workshop.context("ctx")
    (folder / "deep").mkdir()
    for name, target in targets.items():
        (folder / "deep" / name).symlink_to(target)
        (folder / name).symlink_to(target)
    done = run(
        workshop,
        {"id": "look", "cmd": "sh -c 'ls -l . deep; ln -s ../planted planted'"},
        {"id": "b", "build": "."},
        {"id": "again", "cmd": "ls -l planted"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for name, target in targets.items():
        assert done.stdout.count(f" {name} -> {target}\n") == 2, done.stdout
    assert "planted -> ../planted" in done.stdout


def test_one_command_has_such_a_link_too(workshop: Workshop) -> None:
    (workshop.context("ctx") / "shared").symlink_to("../shared")
    done = workshop.call("run", "--cmd", f"{workshop.base} ls -l", "ctx")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "shared -> ../shared" in done.stdout
