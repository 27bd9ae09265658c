"""A plan may not delete what is protected, nor more than the limits allow."""

from __future__ import annotations

import pytest

from reconciler.model.workspace import Limits
from reconciler.plan.change import Action, Change
from reconciler.plan.guard import OverLimit, Protected, refuse_over_limits, refuse_protected


def changes(action: Action, count: int, *, protect: bool = False) -> list[Change]:
    base = {"spec": {"protect": protect}}
    return [Change(address=f"r/task-{n}", action=action, base=base) for n in range(count)]


def test_a_protected_task_is_named() -> None:
    with pytest.raises(Protected) as caught:
        refuse_protected(changes(Action.DELETE, 1, protect=True))
    assert caught.value.details == (("task", "r/task-0"),)
    refuse_protected(changes(Action.DELETE, 1))
    refuse_protected(changes(Action.UPDATE, 1, protect=True))


@pytest.mark.parametrize(
    ("limit", "live", "deletes", "refused"),
    [
        ("5%", 100, 5, False),
        ("5%", 100, 6, True),
        ("5%", 9, 9, False),
        ("5%", 10, 1, True),
        ("3", 100, 3, False),
        ("3", 100, 4, True),
        ("0%", 10, 1, True),
    ],
)
def test_a_limit_is_a_share_or_a_count(limit: str, live: int, deletes: int, refused: bool) -> None:
    limits = Limits.model_validate({"delete": limit})
    if not refused:
        refuse_over_limits(changes(Action.DELETE, deletes), live, limits)
        return
    with pytest.raises(OverLimit, match=f"{deletes} of {live}"):
        refuse_over_limits(changes(Action.DELETE, deletes), live, limits)


def test_updates_have_their_own_limit() -> None:
    limits = Limits.model_validate({"update": "10%"})
    refuse_over_limits(changes(Action.DELETE, 50), 100, limits)
    with pytest.raises(OverLimit):
        refuse_over_limits(changes(Action.UPDATE, 50), 100, limits)


def test_twenty_protected_tasks_are_named_and_no_more() -> None:
    with pytest.raises(Protected) as caught:
        refuse_protected(changes(Action.DELETE, 30, protect=True))
    assert [name for _, name in caught.value.details] == [f"r/task-{n}" for n in range(20)]
