"""In which order tasks are built anew: each once, after what it stands on."""

from __future__ import annotations

import pytest

from reconciler.model.tracked import BaseKind
from reconciler.plan.waves import Answer, answer, in_waves
from tests.unit.plan.builders import task

ON: dict[str, object] = {"baseImage": {}}


def test_one_waits_for_all_that_it_stands_on() -> None:
    needs = {"app": {"left", "right"}, "left": {"base"}, "right": set[str](), "base": set[str]()}
    assert in_waves(needs) == (("base", "right"), ("left",), ("app",))


def test_what_is_outside_of_the_event_is_not_waited_for() -> None:
    assert in_waves({"app": {"elsewhere"}}) == (("app",),)
    assert in_waves({}) == ()


def test_a_task_that_stands_on_itself_waits_for_nothing() -> None:
    assert in_waves({"x": {"x"}, "a": {"y"}, "y": {"a"}}) == (("x",), ("a",), ("y",))


def test_a_circle_is_opened_at_one_place() -> None:
    assert in_waves({"a": {"c"}, "b": {"a"}, "c": {"b"}}) == (("a",), ("b",), ("c",))


@pytest.mark.parametrize(
    ("triggers", "kind", "said"),
    [
        (ON, "runtime", "rebuilds"),
        (ON, "buildtime", "not its kind"),
        ({"baseImage": {"type": "All"}}, "buildtime", "rebuilds"),
        ({"baseImage": {"status": "Disabled"}}, "runtime", "no trigger"),
        ({}, "runtime", "no trigger"),
    ],
)
def test_the_trigger_says_what_a_task_does(
    triggers: dict[str, object], kind: BaseKind, said: Answer
) -> None:
    assert answer(task(triggers=triggers), kind) == said


def test_a_task_that_is_off_does_nothing() -> None:
    assert answer(task(triggers=ON, status="Disabled"), "runtime") == "no trigger"
