"""A delete and a create that look like one task under another name."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model.task import Task
from reconciler.plan.alike import looks_like_renames
from reconciler.plan.stored import Stored
from tests.unit.plan.builders import compared, stored, task

SPEC: dict[str, Any] = {
    "step": {"docker": {"images": ["web:1"], "file": "build/Dockerfile", "args": {"A": "1"}}},
    "timeout": 900,
    "platform": "linux/arm64",
    "retention": {"logs": "30d", "runs": "90d"},
}


def found(before: list[Task], declared: list[Task]) -> list[tuple[str, str]]:
    return found_after(before, before, declared)


def found_after(
    applied: list[Task], live: list[Task], declared: list[Task]
) -> list[tuple[str, str]]:
    changes = compared(declared, applied, live).changes
    by_address = {one.address: stored(one) for one in applied}
    return [(one.previous_address, one.address) for one in looks_like_renames(changes, by_address)]


def test_the_same_task_under_another_name_is_found() -> None:
    changes = compared([task("web-new", **SPEC)], [task(**SPEC)], [task(**SPEC)]).changes
    (pair,) = looks_like_renames(changes, {"contoso/web-api": stored(task(**SPEC))})
    assert (pair.previous_address, pair.address) == ("contoso/web-api", "contoso/web-new")
    assert pair.equal == pair.fields


def test_so_is_one_with_a_field_or_two_that_differ() -> None:
    new = task("web-new", **{**SPEC, "timeout": 1200})
    assert found([task(**SPEC)], [new]) == [("contoso/web-api", "contoso/web-new")]


@pytest.mark.parametrize(
    "parts",
    [
        {"context": {"source": "https://git.contoso.example/other.git#main"}},
        {"timeout": 1200, "platform": "linux/amd64", "retention": {"logs": "1d"}},
    ],
)
def test_another_context_or_too_many_other_fields_are_another_task(parts: dict[str, Any]) -> None:
    assert found([task(**SPEC)], [task("web-new", **{**SPEC, **parts})]) == []


def test_what_was_changed_live_makes_it_no_other_task() -> None:
    drifted = {**SPEC, "timeout": 1200, "platform": "linux/amd64", "retention": {"logs": "1d"}}
    pair = [("contoso/web-api", "contoso/web-new")]
    assert found_after([task(**SPEC)], [task(**drifted)], [task("web-new", **SPEC)]) == pair
    assert found_after([task(**SPEC)], [task(**drifted)], [task("web-new", **drifted)]) == []


def test_of_what_cannot_be_read_what_is_live_is_compared() -> None:
    changes = compared([task("web-new", **SPEC)], [task(**SPEC)], [task(**SPEC)]).changes
    (pair,) = looks_like_renames(changes, {"contoso/web-api": Stored("{}")})
    assert pair.equal == pair.fields


def test_another_registry_is_no_rename() -> None:
    new = task("web-new", metadata={"registry": "fabrikam"}, **SPEC)
    assert found([task(**SPEC)], [new]) == []


def test_each_task_is_told_of_once_with_the_one_that_is_most_alike() -> None:
    near, far = {**SPEC, "timeout": 1200}, {**SPEC, "timeout": 1200, "protect": True}
    before = [task("web-a", **SPEC), task("web-b", **near)]
    assert found(before, [task("web-c", **near), task("web-d", **far)]) == [
        ("contoso/web-b", "contoso/web-c"),
        ("contoso/web-a", "contoso/web-d"),
    ]


def test_a_rename_that_is_written_down_is_none_to_guess() -> None:
    assert (
        found([task(**SPEC)], [task("web-new", metadata={"movedFrom": ["web-api"]}, **SPEC)]) == []
    )


def test_very_many_that_are_alike_are_not_compared_with_each_other() -> None:
    before = [task(f"old-{n:03}", **SPEC) for n in range(101)]
    new = [task(f"new-{n:03}", **SPEC) for n in range(100)]
    assert found(before, new) == []
    assert len(found(before[:100], new)) == 100
