"""One meaning, one document: defaults and orders that mean nothing make no change."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.model.task import Task
from reconciler.plan.normalise import (
    canonical_document,
    document_hash,
    full_document,
    full_of,
    stored_document,
)
from tests.unit.plan.builders import document, task

GIT = {"source": "https://git.contoso.example/web.git#main", "token": {"secret": "env:GIT"}}


def test_defaults_written_out_are_no_change() -> None:
    written_out = Task.model_validate(full_document(task()))
    assert canonical_document(written_out) == canonical_document(task())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            {"identity": {"type": "UserAssigned", "ids": ["a", "b"]}},
            {"identity": {"type": "UserAssigned", "ids": ["b", "a"]}},
        ),
        (
            {"step": {"docker": {"images": ["a:1", "b:1"]}}},
            {"step": {"docker": {"images": ["b:1", "a:1"]}}},
        ),
        (
            {"notify": [{"on": ["Failed", "Timeout"], "url": {"secret": "env:H"}}]},
            {"notify": [{"on": ["Timeout", "Failed"], "url": {"secret": "env:H"}}]},
        ),
        (
            {"context": {**GIT, "token": {"secret": "env:A", "scopes": ["x", "y"]}}},
            {"context": {**GIT, "token": {"secret": "env:A", "scopes": ["y", "x"]}}},
        ),
        (
            {"context": GIT, "triggers": {"commit": {"paths": {"include": ["a/**", "b/**"]}}}},
            {"context": GIT, "triggers": {"commit": [{"paths": {"include": ["b/**", "a/**"]}}]}},
        ),
        ({"timeout": 3600}, {}),
        (
            {"triggers": {"timers": {"n": "0 3 * * *"}}},
            {"triggers": {"timers": {"n": {"schedule": "0  3 * * *"}}}},
        ),
        ({"retention": {"logs": "24h"}}, {"retention": {"logs": "1d"}}),
        ({"platform": "Linux/AMD64"}, {"platform": "linux"}),
    ],
)
def test_two_spellings_of_one_meaning_are_one_document(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert canonical_document(task(**one)) == canonical_document(task(**other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"step": {"docker": {"args": {"V": "1"}}}}, {"step": {"docker": {"args": {"V": "2"}}}}),
        (
            {"step": {"inline": {"steps": [{"cmd": "a"}, {"cmd": "b"}]}}},
            {"step": {"inline": {"steps": [{"cmd": "b"}, {"cmd": "a"}]}}},
        ),
        ({"triggers": {"baseImage": {}}}, {}),
    ],
)
def test_two_meanings_are_two_documents(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert canonical_document(task(**one)) != canonical_document(task(**other))


def test_moved_from_is_an_instruction_and_no_part_of_the_task() -> None:
    moved = Task.model_validate(document(metadata={"movedFrom": ["old-name"]}))
    assert canonical_document(moved) == canonical_document(task())


def test_a_canonical_document_is_a_fixed_point() -> None:
    first = canonical_document(task(timeout=900, triggers={"baseImage": {"type": "All"}}))
    assert canonical_document(Task.model_validate(first)) == first
    assert document_hash(canonical_document(Task.model_validate(full_of(first)))) == document_hash(
        first
    )


def test_stored_json_is_brought_to_the_canonical_form() -> None:
    spec = {"timeout": 3600, "step": {"docker": {}}, "context": {"source": "."}}
    text = json.dumps({**document(), "spec": spec})
    assert stored_document(text)["spec"] == {"step": {"docker": {}}, "context": {"source": "."}}
