"""`validate` as a person asks for it: with what only the files beside the specs can tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from reconciler.operations.reading.validate import Validation, validate
from reconciler.operations.workspace import OpenWorkspace


def validate_declared(opened: OpenWorkspace, today: date) -> Validation:
    """Read and judge everything that is declared, circles of builds too.

    A plan does not ask for these: it looks at what it changes, together with what is applied.
    """
    result = validate(opened, today)
    if not result.minding:
        return result
    # Late: most workspaces have no trigger for base images.
    from reconciler.operations.planning.circles import circle_problems  # noqa: PLC0415
    from reconciler.operations.planning.declared_builds import declared_builds  # noqa: PLC0415

    problems = circle_problems(declared_builds(opened, result.minding))
    return replace(result, input_problems=(*result.input_problems, *problems))
