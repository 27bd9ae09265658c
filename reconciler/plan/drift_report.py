"""What `drift -o json` says, as a frozen model, so that its JSON Schema is made and not written."""

from __future__ import annotations

from typing import Any, Literal

from reconciler import __version__
from reconciler.plan.change import Drift, Plan
from reconciler.plan.facts import KnownDrift
from reconciler.plan.parts import PlanModel
from reconciler.plan.selection import LeftOut

# Counted like that of a plan: see plan/change.
FormatVersion = Literal["1.0"]


class DriftReport(PlanModel):
    """Live tasks that are not what was last applied; in `paths`, `before` was applied, `after` is
    live.

    `known_drift` is on the workspace's list and no part of `drift`. `unused_known_drift` are the
    places (file:line:column) of entries of that list that nothing matches. `unmanaged` are live
    tasks that are not declared and never were applied. `left_out` says what was not looked at.
    """

    format_version: FormatVersion = "1.0"
    tool_version: str = __version__
    live: int
    drift: tuple[Drift, ...]
    known_drift: tuple[KnownDrift, ...]
    unused_known_drift: tuple[str, ...]
    unmanaged: tuple[str, ...]
    left_out: LeftOut | None


def drift_report(plan: Plan, unused: tuple[str, ...]) -> DriftReport:
    """What a plan says of drift; `unused` are places of entries of known drift."""
    return DriftReport(
        live=plan.live,
        drift=plan.drift,
        known_drift=plan.known_drift,
        unused_known_drift=unused,
        unmanaged=plan.unmanaged,
        left_out=plan.left_out,
    )


def drift_schema() -> dict[str, Any]:
    """JSON Schema of `drift -o json`."""
    schema = DriftReport.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
