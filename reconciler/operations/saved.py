"""Plan files: written whole, and read back only with the seal of this state."""

from __future__ import annotations

from pathlib import Path

from reconciler.adapters.files import write_whole
from reconciler.base.errors import PlanRejected, ReconcilerError
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.change import Mode, Plan
from reconciler.plan.planfile import read_plan, write_plan

# A plan that creates 10,000 tasks has some 40 MB.
_LARGEST = 1 << 28


def save_plan(opened: OpenWorkspace, plan: Plan, path: Path) -> None:
    """Write a plan file, sealed by the state. Raises ReconcilerError if it cannot be written."""
    try:
        write_whole(path, write_plan(plan, opened.database.key).encode("utf-8"))
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
            data = file.read(_LARGEST + 1)
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise PlanRejected(f"the plan file {path} cannot be read: {reason}") from None
    if len(data) > _LARGEST:
        raise PlanRejected(f"the plan file {path} is too large: over {_LARGEST >> 20} MB")
    plan = read_plan(text, opened.database.key, opened.database.setting("state_id"))
    if plan.mode != mode:
        raise PlanRejected(
            f"the plan file {path} is not for {mode}: it was made to {plan.mode}",
            hint=f"if it is meant: reconciler {plan.mode} {path.name}",
        )
    return plan
