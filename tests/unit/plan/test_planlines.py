"""A plan as lines: exact, plain ASCII, and documents put in as the text they are."""

from __future__ import annotations

import json

import pytest

from reconciler.plan.change import Plan
from reconciler.plan.parts import Frozen
from reconciler.plan.planlines import (
    _ONLY_TOLD,
    change_json,
    in_chunks,
    kept_part,
    plan_digest,
    plan_lines,
    read_change,
)
from tests.unit.plan.builders import compared, plan_of, task

OLD = task("task-old", metadata={"description": 'quoted " \u00e9 \U0001f600 ##vso[x] ### \x7f'})
NEW = [task("task-new"), task("task-old", timeout=900)]
DRIFTED = task("task-old", platform="linux/arm64")
CHANGES = compared(NEW, [OLD, task("task-gone")], [DRIFTED]).changes


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.action)
def test_a_change_is_read_back_as_it_was(change: object) -> None:
    text = change_json(change)  # type: ignore[arg-type]
    assert text.isascii()
    assert text.isprintable()
    assert "##" not in text
    assert read_change(text) == change


def test_a_plan_is_one_object_with_a_line_for_each_change() -> None:
    plan = plan_of(compared([task("task-a"), task("task-b")], [], []))
    lines = list(plan_lines(plan))
    content = json.loads("".join(lines).removesuffix(",\n") + "}")
    assert [one["address"] for one in content["changes"]] == ["contoso/task-a", "contoso/task-b"]
    assert sum('"address"' in line for line in lines) == 2


def test_the_digest_of_a_plan_follows_what_it_says() -> None:
    first, second = (plan_of(compared([task("task-a", timeout=n)], [], [])) for n in (900, 901))
    assert plan_digest(first) == plan_digest(first.model_copy())
    assert plan_digest(first) != plan_digest(second)


def test_what_only_a_reviewer_reads_is_no_part_of_what_is_kept() -> None:
    plan = plan_of(compared([task("task-a")], [], []), unmanaged=("contoso/by-hand",))
    assert kept_part(plan) == plan.model_copy(update={"unmanaged": ()})
    assert set(_ONLY_TOLD) <= Plan.model_fields.keys()


def test_chunks_hold_the_same_text() -> None:
    lines = [f"{number}\n" for number in range(1000)]
    chunks = list(in_chunks(lines, 100))
    assert "".join(chunks) == "".join(lines)
    assert 10 < len(chunks) < 100


def test_documents_are_equal_by_their_meaning_as_json() -> None:
    assert Frozen.of({"a": 1, "b": [True]}) == Frozen.of({"b": [True], "a": 1})
    assert Frozen.of({"a": True}) != Frozen.of({"a": 1})
