"""Documents of kind Defaults: every field of a task is optional there, and none is new."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from reconciler.base.yaml import load_documents
from reconciler.model.defaults import DefaultMetadata, Defaults, DefaultSpec
from reconciler.model.task import Metadata, TaskSpec
from tests.flow.example import EXAMPLE

HEAD = {"apiVersion": "reconciler/v1", "kind": "Defaults"}
TASK: Any = load_documents(EXAMPLE)[0].value


def test_every_field_of_a_task_has_a_default_but_its_names() -> None:
    assert set(DefaultSpec.model_fields) == set(TaskSpec.model_fields)
    left_out = set(Metadata.model_fields) - set(DefaultMetadata.model_fields)
    assert left_out == {"name", "moved_from"}


def test_everything_is_optional() -> None:
    assert Defaults.model_validate(HEAD).spec is None
    assert Defaults.model_validate({**HEAD, "spec": {}, "metadata": {}}).kind == "Defaults"


@pytest.mark.parametrize("key", sorted(TASK["spec"]))
def test_each_field_of_a_task_can_stand_alone(key: str) -> None:
    assert Defaults.model_validate({**HEAD, "spec": {key: TASK["spec"][key]}}).kind == "Defaults"


@pytest.mark.parametrize(
    "spec",
    [
        {"step": {"docker": {"push": False}}},
        {"step": {"file": {"values": "values.yaml"}}},
        {"context": {"visibility": "private"}},
        {"identity": {"type": "UserAssigned"}},
    ],
)
def test_a_part_of_a_field_is_enough(spec: dict[str, Any]) -> None:
    assert Defaults.model_validate({**HEAD, "spec": spec}).kind == "Defaults"


@pytest.mark.parametrize(
    "spec", [{"timeout": 5}, {"timeout": "600"}, {"x": 1}, {"step": {"docker": {"x": 1}}}]
)
def test_a_wrong_value_is_refused_as_in_a_task(spec: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Defaults.model_validate({**HEAD, "spec": spec})
