"""In which order tasks are built anew: each once, after what it stands on."""

from __future__ import annotations

import pytest

from reconciler.plan.waves import circles_in, in_waves


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
    ("needs", "circles"),
    [
        ({"a": "b", "b": "c", "c": ""}, ()),
        ({"a": "a", "b": "a"}, (("a",),)),
        ({"a": "b", "b": "a", "c": "ab", "d": "e", "e": "d"}, (("a", "b"), ("d", "e"))),
        # Two that share a task are one; what only lies between two is in none.
        ({"a": "b", "b": "ac", "c": "b"}, (("a", "b", "c"),)),
        ({"a": "b", "b": "a", "m": "a", "x": "ym", "y": "x"}, (("a", "b"), ("x", "y"))),
        ({"a": "bz", "b": "a"}, (("a", "b"),)),
    ],
)
def test_circles_are_found_all_at_once(
    needs: dict[str, str], circles: tuple[tuple[str, ...], ...]
) -> None:
    assert circles_in({name: set(above) for name, above in needs.items()}) == circles
