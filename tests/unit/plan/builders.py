"""Tasks and stored documents for the tests of plan and apply. Starts nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.base.canonical import canonical_json
from reconciler.base.diagnostics import Location
from reconciler.base.source import Located, Path, Source
from reconciler.model.task import Task
from reconciler.plan.build import Comparison, Stored, compare
from reconciler.plan.change import Document, Frozen, Plan
from reconciler.plan.normalise import canonical_document

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def document(name: str = "web-api", *, metadata: dict[str, Any] | None = None, **spec: Any) -> Any:
    """A task as a file says it: a docker step over a Git context, and what `spec` adds."""
    return {
        "apiVersion": "reconciler/v1",
        "kind": "Task",
        "metadata": {"name": name, "registry": "contoso", **(metadata or {})},
        "spec": {
            "context": {"source": "https://git.contoso.example/web.git#main"},
            "step": {"docker": {"images": [f"{name}:{{{{.Run.ID}}}}"]}},
            **spec,
        },
    }


def task(name: str = "web-api", *, metadata: dict[str, Any] | None = None, **spec: Any) -> Task:
    """The model of `document`."""
    return Task.model_validate(document(name, metadata=metadata, **spec))


def located(value: Task) -> Located[Task]:
    """A task with a place: specs/NAME.yaml, every field in line 9."""
    file = f"specs/{value.metadata.name}.yaml"

    def locate(_: Path) -> Location:
        return Location(file, 9, 3)

    return Located(value, Source(file, 1, locate))


def stored(value: Task, by: str = "lead@contoso.example") -> Stored:
    """A task as a store keeps it."""
    return Stored(canonical_json(canonical_document(value)), by, NOW)


def stores(*tasks: Task) -> dict[str, Stored]:
    """Tasks by address, as stored."""
    return {one.address: stored(one) for one in tasks}


def compared(
    declared: list[Task], applied: list[Task], live: list[Task], *, heal: bool = False
) -> Comparison:
    """The comparison of three lists of tasks."""
    # Applied an hour before live was read: what differs was changed by somebody else since.
    before = {
        address: replace(one, changed_at=NOW - timedelta(hours=1))
        for address, one in stores(*applied).items()
    }
    return compare(map(located, declared), before, stores(*live), heal=heal)


def plan_of(comparison: Comparison, **fields: Any) -> Plan:
    """A plan with the changes of a comparison."""
    values: dict[str, Any] = {
        "id": "p-test2345",
        "created": NOW,
        "expires": NOW.replace(day=22),
        "tool_version": "1",
        "state_id": "s-test",
        "changes": tuple(comparison.changes),
        "drift": tuple(comparison.drift),
        **fields,
    }
    return Plan(**values)


def frozen(value: Task) -> Frozen:
    """The canonical document of a task, as a plan holds it."""
    return Frozen.of(canonical_document(value))


def canonical(value: Task) -> Document:
    """The canonical document of a task."""
    return canonical_document(value)
