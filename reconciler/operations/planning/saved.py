"""Plan files: written whole, and read back only with the seal of this state."""

from __future__ import annotations

import io
from pathlib import Path

from reconciler.adapters.files import write_whole
from reconciler.base.errors import PlanRejected, ReconcilerError
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.change import Mode, Plan
from reconciler.plan.planfile import read_plan, write_plan

# A plan that creates 100,000 tasks has some 200 MB.
_LARGEST = 1 << 29


def save_plan(opened: OpenWorkspace, plan: Plan, path: Path) -> None:
    """Write a plan file, sealed by the state. Raises ReconcilerError if it cannot be written."""
    try:
        write_whole(path, map(str.encode, write_plan(plan, opened.database.key)))
    except OSError as error:
        raise ReconcilerError(
            f"the plan cannot be saved to {path}: {error.strerror}", hint="choose another --out"
        ) from None


def load_plan(opened: OpenWorkspace, path: Path, mode: Mode = "apply") -> Plan:
    """Read a plan file and check its seal, and that it is for this verb. Raises PlanRejected.

    Apply looks whether it expired.
    """
    try:
        with path.open("rb") as file:
            whole = file if file.seekable() else io.BytesIO(file.read(_LARGEST + 1))
            if whole.seek(0, io.SEEK_END) > _LARGEST:
                raise PlanRejected(f"the plan file {path} is too large: over {_LARGEST >> 20} MB")
            whole.seek(0)
            plan = read_plan(whole, opened.database.key, opened.database.setting("state_id"))
    except OSError as error:
        raise PlanRejected(f"the plan file {path} cannot be read: {error.strerror}") from None
    if plan.mode != mode:
        raise PlanRejected(
            f"the plan file {path} is not for {mode}: it was made to {plan.mode}",
            hint=f"if it is meant: reconciler {plan.mode} {path.name}",
        )
    return plan
