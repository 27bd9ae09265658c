"""Results as versioned JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from reconciler import __version__
from reconciler.base.diagnostics import Diagnostic
from reconciler.base.text import harmless_json

if TYPE_CHECKING:  # late: `validate -o json` needs no plan and no database
    from reconciler.operations.planning.plan import Planned
    from reconciler.operations.reading.validate import Validation

FORMAT_VERSION = "1.0"


def to_text(content: Any) -> str:
    """Indented JSON in a stable order of keys, harmless to a terminal."""
    return harmless_json(json.dumps(content, indent=2, ensure_ascii=False))


def diagnostic_json(item: Diagnostic) -> dict[str, Any]:
    """One diagnostic; keys without a value are left out."""
    place = item.location
    content = {
        "severity": item.severity.value,
        "message": item.message,
        "file": place.file if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "task": item.task,
        "rule": item.rule,
        "found": item.found,
        "allowed": item.allowed,
        "fix": item.fix,
    }
    return {key: value for key, value in content.items() if value is not None}


def validation_json(result: Validation) -> dict[str, Any]:
    """The output of `validate -o json`."""
    return {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "valid": not result.invalid,
        "blocked": result.blocked,
        "specs": result.specs,
        "defaults": result.defaults,
        "policies": result.policies,
        "waivers": result.waivers,
        "diagnostics": [diagnostic_json(item) for item in result.problems],
    }


def plan_json(planned: Planned) -> Iterator[str]:
    """The output of `plan -o json`, line by line: the plan without seal, the diagnostics of
    platforms and policy, and what was found of applies that were killed."""
    from reconciler.plan.planlines import key_lines, plan_lines  # noqa: PLC0415  (late: see above)

    yield from plan_lines(planned.plan)
    found = planned.validation
    problems = [
        diagnostic_json(item) for item in (*found.platform_problems, *found.policy_problems)
    ]
    yield from key_lines("diagnostics", problems)
    yield from key_lines("recovered", planned.taken.recovered, "\n")
    yield "}\n"


def drift_json(planned: Planned) -> dict[str, Any]:
    """The output of `drift -o json`; `schema drift` prints its schema."""
    from reconciler.plan.drift_report import drift_report  # noqa: PLC0415  (late: see above)

    return drift_report(planned.plan, tuple(planned.unused)).model_dump(mode="json")
