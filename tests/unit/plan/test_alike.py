"""A delete and a create that look like one task under another name."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model.task import Task
from reconciler.plan.alike import looks_like_renames
from tests.unit.plan.builders import compared, task

SPEC: dict[str, Any] = {
    "step": {"docker": {"images": ["web:1"], "file": "build/Dockerfile", "args": {"A": "1"}}},
    "timeout": 900,
    "platform": "linux/arm64",
    "retention": {"logs": "30d", "runs": "90d"},
}


def found(before: list[Task], declared: list[Task]) -> list[tuple[str, str]]:
    changes = compared(declared, before, before).changes
    return [(one.previous_address, one.address) for one in looks_like_renames(changes)]


def test_the_same_task_under_another_name_is_found() -> None:
    changes = compared([task("web-new", **SPEC)], [task(**SPEC)], [task(**SPEC)]).changes
    (pair,) = looks_like_renames(changes)
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
