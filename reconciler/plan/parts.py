"""What changes, drift and facts of a plan are made of: a frozen model, a document, a field."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Document = dict[str, Any]
Why = Literal["spec", "template", "defaults", "removed", "tool", "drift", "accepted"]


class PlanModel(BaseModel):
    """Base of the plan's models: frozen, unknown keys refused."""

    # What is printed has every key: a schema of it says so.
    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_serialization_defaults_required=True
    )


class FieldChange(PlanModel):
    """One field: its dotted path from the root (lists by index), and both values.

    `sensitive` marks references to secrets: the values are references, never secrets. `origin` is
    the file:line:column of the new value; `cause` says where it comes from: spec, template
    (a spec that was rendered), defaults (of a folder), removed (from all of these), tool (only the
    version of this program changed), or drift that is undone. Of a drifted field it says what
    becomes of it: drift (left alone), spec (the spec changes it too, and wins), accepted (the spec
    says the same by now).
    """

    path: str
    before: Any = None
    after: Any = None
    sensitive: bool = False
    cause: Why = "spec"
    origin: str | None = None
