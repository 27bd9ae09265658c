"""`schema`: JSON Schema of every kind of document, made from the models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from reconciler.model.defaults import Defaults
from reconciler.model.meanings import meaning_of
from reconciler.model.policy import Policy, Waiver
from reconciler.model.task import Task
from reconciler.model.workspace import Workspace

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MODELS: dict[str, type[BaseModel]] = {
    "task": Task,
    "defaults": Defaults,
    "policy": Policy,
    "waiver": Waiver,
    "workspace": Workspace,
}


def _plan() -> dict[str, Any]:
    from reconciler.plan.planfile import plan_schema  # noqa: PLC0415  (late: rarely asked)

    return plan_schema()


def _drift() -> dict[str, Any]:
    from reconciler.plan.drift_report import drift_schema  # noqa: PLC0415  (late: rarely asked)

    return drift_schema()


def _task_file() -> dict[str, Any]:
    from reconciler.taskfile.file.schema import task_file_schema  # noqa: PLC0415  (late, too)

    return task_file_schema()


_OTHERS: dict[str, Callable[[], dict[str, Any]]] = {
    "plan": _plan,
    "drift": _drift,
    "task-file": _task_file,
}
KINDS = (*_MODELS, *_OTHERS)


def schema_of(kind: str) -> dict[str, Any]:
    """JSON Schema (2020-12) of one kind. Raises KeyError."""
    if kind in _OTHERS:
        return _OTHERS[kind]()
    return {"$schema": _DIALECT, **_written(_MODELS[kind].model_json_schema(by_alias=True))}


def _written(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a document as it is written: what Defaults may give is not required there."""
    definitions = schema.get("$defs", {})
    for name, definition in [*definitions.items(), (schema.get("title", ""), schema)]:
        for key, field in definition.get("properties", {}).items():
            if (meaning := meaning_of(name, key)) is not None:
                field.setdefault("description", meaning)
    if "TaskSpec" in definitions:
        definitions["TaskSpec"]["required"] = []
        definitions["Metadata"]["required"] = ["name"]
        schema["required"] = ["apiVersion", "kind", "metadata"]
    return schema


def schema_of_specs() -> dict[str, Any]:
    """One schema for any document of `specs/` and `policies/`, chosen by its `kind`."""
    definitions: dict[str, Any] = {}
    branches = []
    for model in _MODELS.values():
        schema = model.model_json_schema(by_alias=True, ref_template="#/$defs/{model}")
        schema = _written(schema)
        definitions.update(schema.pop("$defs", {}))
        definitions[model.__name__] = schema
        branches.append(
            {
                "if": {"properties": {"kind": {"const": model.__name__}}, "required": ["kind"]},
                "then": {"$ref": f"#/$defs/{model.__name__}"},
            }
        )
    names = [model.__name__ for model in _MODELS.values()]
    return {
        "$schema": _DIALECT,
        "title": "reconciler document",
        "type": "object",
        "required": ["apiVersion", "kind"],
        "properties": {"kind": {"enum": names}},
        "allOf": branches,
        "$defs": definitions,
    }
