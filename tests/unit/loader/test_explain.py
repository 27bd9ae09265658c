"""How a wrong value is told: short, harmless, and never what may be a credential."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from reconciler.base.diagnostics import Diagnostic, Location
from reconciler.base.source import Source
from reconciler.loader.explain import MOST, explain, spell_found
from reconciler.model.task import Task

SOURCE = Source("a.yaml", 1, lambda path: Location("a.yaml", 1 + len(path)))


def told(document: Any) -> list[Diagnostic]:
    with pytest.raises(ValidationError) as caught:
        Task.model_validate(document)
    return explain(caught.value, Task, document, SOURCE, "contoso/web-api")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"),
        (True, "true"),
        (5, "5"),
        ("5", "'5'"),
        ([1, 2], "a list of 2"),
        ({}, "a map with no keys"),
        ({"a": 1, "b": 2}, "a map with a, b"),
        ("a\x1b[31m", r"'a\x1b[31m'"),
        ("https://user:password@host", "(hidden: it may be a secret)"),
        ({"ghp_abcdefgh12345678": 1}, "(hidden: it may be a secret)"),
    ],
)
def test_a_value_is_spelled_for_people(value: Any, text: str) -> None:
    assert spell_found(value) == text


def test_a_long_value_is_cut() -> None:
    assert len(spell_found("x" * 9000)) == 80
    assert len(spell_found({"x" * 9000: 1})) == 80


def test_a_missing_key_is_told_at_what_holds_it() -> None:
    (found,) = told(
        {
            "apiVersion": "reconciler/v1",
            "kind": "Task",
            "spec": _spec(),
            "metadata": {"name": "web-api"},
        }
    )
    assert (found.code, found.message) == ("missing", "the key 'registry' is missing in metadata")
    assert found.location == Location("a.yaml", 2)


def test_an_empty_list_of_steps_is_told_once_and_not_beside_its_wrong_items() -> None:
    spec = {**_spec(), "step": {"inline": {"steps": [5]}}}
    assert [item.message for item in told(_task(spec))] == ["spec.step.inline.steps.0 is not a map"]
    spec = {**_spec(), "step": {"inline": {"steps": []}}}
    assert [item.message for item in told(_task(spec))] == ["spec.step.inline.steps is empty"]


def test_at_most_so_many_are_told() -> None:
    document = {**_task(_spec()), **{f"x{number}": 1 for number in range(MOST + 7)}}
    found = told(document)
    assert len(found) == MOST + 1
    assert found[-1].message == "7 more problems in this document"


def _spec() -> dict[str, Any]:
    return {"context": {"source": "web"}, "step": {"docker": {}}}


def _task(spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": "web-api", "registry": "contoso"}
    return {"apiVersion": "reconciler/v1", "kind": "Task", "metadata": metadata, "spec": spec}
