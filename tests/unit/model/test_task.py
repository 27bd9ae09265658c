"""Rules of a task that join several fields, and what is built only when it is needed."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from reconciler.model.task import Task

GIT = {"source": "https://git.contoso.example/web.git#main"}
TOKEN = {"secret": "env:PAT"}


def task(**spec: Any) -> Task:
    base = {"context": {"source": "web"}, "step": {"docker": {"images": ["web:1"]}}}
    return Task.model_validate(
        {
            "apiVersion": "reconciler/v1",
            "kind": "Task",
            "metadata": {"name": "web-api", "registry": "contoso"},
            "spec": {**base, **spec},
        }
    )


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"triggers": {"commit": {}}}, "needs a Git context"),
    ({"triggers": {"commit": {}}, "context": GIT}, "needs a token"),
    ({"triggers": {"pullRequest": {}}, "context": GIT}, "needs a token"),
    ({"triggers": {"commit": [{"name": "x"}, {"name": "x"}]}}, "are called 'x'"),
    ({"triggers": {"commit": [{"name": "pullRequest"}], "pullRequest": {}}}, "name one anew"),
    ({"agent": {"cpu": 2, "pool": "big"}}, "either cpu or pool"),
    ({"identity": {"type": "UserAssigned"}}, "needs ids"),
    ({"identity": {"type": "SystemAssigned", "ids": ["x"]}}, "has no ids"),
    ({"credentials": {"registries": {"a": {"username": TOKEN}}}}, "both username and password"),
    ({"credentials": {"registries": {"a": {}}}}, "or an identity"),
    ({"step": {"docker": {"args": {"A": "1"}, "secrets": {"A": "env:A"}}}}, "keep the secret"),
    ({"step": {"inline": {"steps": []}}}, "at least 1 item"),
    ({"step": {"inline": {"steps": [{"cmd": "a", "build": "b"}]}}}, "exactly one of cmd"),
    ({"step": {}}, "exactly one of docker, file, inline"),
    ({"platform": "linux/mips"}, "a platform is one of"),
]


@pytest.mark.parametrize(("spec", "reason"), WRONG)
def test_fields_that_do_not_fit_together_are_refused(spec: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        task(**spec)


@pytest.mark.parametrize(
    "spec",
    [
        {"triggers": {"commit": {}}, "context": {**GIT, "token": TOKEN}},
        {"triggers": {"commit": {"token": TOKEN}}, "context": GIT},
        {"triggers": {"commit": {"status": "Disabled"}}, "context": GIT},
        {"triggers": {"commit": [{"branch": "main", "token": TOKEN}]}, "context": GIT},
    ],
)
def test_a_source_trigger_with_what_it_needs_is_accepted(spec: dict[str, Any]) -> None:
    assert len(task(**spec).spec.triggers.commit) == 1


def test_nothing_wakes_a_task_unless_it_is_declared() -> None:
    triggers = task().spec.triggers
    assert (triggers.commit, triggers.pull_request, triggers.base_image, triggers.timers) == (
        (),
        (),
        None,
        {},
    )


def test_a_timer_is_a_schedule_or_a_map() -> None:
    timers = {"short": "0  3 * * *", "long": {"schedule": "0 3 * * *", "missed": "skip"}}
    found = task(triggers={"timers": timers}).spec.triggers.timers
    assert found["short"].schedule == found["long"].schedule == "0 3 * * *"
    assert (found["short"].missed, found["long"].missed) == ("run_once", "skip")


def test_a_platform_has_one_form() -> None:
    assert task(platform="Linux").spec.platform == "linux/amd64"
    assert task(platform="linux/ARM64/v8").spec.platform == "linux/arm64"


def test_images_are_those_that_are_pushed() -> None:
    assert task().images == ("web:1",)
    assert task(step={"docker": {"images": ["web:1"], "push": False}}).images == ()
    assert task(step={"file": {"path": "task.yaml"}}).images == ()


def test_the_models_of_defaults_are_not_made_where_there_are_none() -> None:
    program = (
        "import sys, reconciler.operations.reading.validate\n"
        "sys.exit('reconciler.model.defaults' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
