"""The JSON Schemas agree with the loader: what one accepts, the other accepts."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.base.yaml import load_documents
from reconciler.operations.authoring.schema import KINDS, schema_of, schema_of_specs
from reconciler.report.published import PUBLISHED
from tests.flow.desk import WORKSPACE, Desk
from tests.flow.example import EXAMPLE

POLICY = {"apiVersion": "reconciler/v1", "kind": "Policy", "rules": [{"name": "ownership"}]}
WAIVER = {
    "apiVersion": "reconciler/v1",
    "kind": "Waiver",
    "rule": "ownership",
    "match": {"address": "contoso/*"},
    "owner": "team-web",
    "reason": "is being moved",
    "expires": "2027-01-31",
}
DEFAULTS = {
    "apiVersion": "reconciler/v1",
    "kind": "Defaults",
    "metadata": {"owner": "team-web"},
    "spec": {"step": {"docker": {"push": False}}, "triggers": {"timers": {"nightly": "0 3 * * *"}}},
}


def parsed(text: str) -> Any:
    (document,) = load_documents(text)
    return document.value


DOCUMENTS = {
    "task": parsed(EXAMPLE),
    "defaults": DEFAULTS,
    "policy": POLICY,
    "waiver": WAIVER,
    "workspace": parsed(WORKSPACE),
}


def schema(desk: Desk, *kind: str) -> Any:
    outcome = desk.run("schema", *kind)
    assert outcome.code == 0
    return json.loads(outcome.text)


def accepts(content: Any, document: Any) -> bool:
    Draft202012Validator.check_schema(content)
    return bool(Draft202012Validator(content).is_valid(document))


@pytest.mark.parametrize("kind", [*KINDS, *PUBLISHED])
def test_every_kind_has_a_schema(desk: Desk, kind: str) -> None:
    Draft202012Validator.check_schema(schema(desk, kind))


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_schema_accepts_a_good_document_and_no_unknown_key(desk: Desk, kind: str) -> None:
    for content in (schema(desk, kind), schema(desk)):
        assert list(Draft202012Validator(content).iter_errors(DOCUMENTS[kind])) == []
        assert not accepts(content, {**DOCUMENTS[kind], "unknown": 1})


def test_the_schema_of_all_kinds_refuses_an_unknown_kind(desk: Desk) -> None:
    assert not accepts(schema(desk), {"apiVersion": "reconciler/v1", "kind": "Nothing"})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "step", "docker", "unknown"), 1),
        (("spec", "timeout"), "600"),
        (("spec", "timeout"), 5),
        (("spec", "triggers", "timers", "nightly"), 5),
        (("spec", "triggers", "commit"), 5),
        (("metadata", "reviewBy"), 5),
        (("spec", "status"), "On"),
    ],
)
def test_the_schema_of_a_task_refuses_wrong_values(
    desk: Desk, path: tuple[str, ...], value: object
) -> None:
    document = copy.deepcopy(DOCUMENTS["task"])
    inner = document
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    assert not accepts(schema(desk, "task"), document)


def test_the_example_passes_the_loader(desk: Desk) -> None:
    outcome = desk.validate(EXAMPLE)
    assert (outcome.code, "0 errors, 0 warnings in 1 task" in outcome) == (0, True)


def test_an_unknown_kind_is_wrong_usage(desk: Desk) -> None:
    outcome = desk.run("schema", "tasks")
    assert outcome.code == 64
    assert "task" in outcome


def test_a_written_task_may_leave_to_defaults_what_they_give() -> None:
    written = {
        "apiVersion": "reconciler/v1",
        "kind": "Task",
        "metadata": {"name": "web-api"},
        "spec": {"step": {"docker": {}}},
    }
    for schema in (schema_of("task"), schema_of_specs()):
        Draft202012Validator(schema).validate(written)


def test_a_registry_and_a_spec_may_be_given_by_defaults_but_not_the_name() -> None:
    written = {"apiVersion": "reconciler/v1", "kind": "Task", "metadata": {"name": "web-api"}}
    assert accepts(schema_of("task"), written)
    assert not accepts(schema_of("task"), {**written, "metadata": {"registry": "contoso"}})
