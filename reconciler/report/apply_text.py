"""An apply as lines for people: whose lock it took over, each write, the end."""

from __future__ import annotations

from reconciler.base.text import harmless, plural, wrap
from reconciler.operations.apply import Applied, Step, Taken
from reconciler.plan.change import Action
from reconciler.report.plan_text import SIGNS, recovered_lines

_DONE = {
    Action.CREATE: "created",
    Action.UPDATE: "changed",
    Action.RENAME: "renamed",
    Action.DELETE: "deleted",
}


def step_lines(step: Step, width: int) -> list[str]:
    """One write that is done."""
    change = step.change
    head = f"[{step.position}/{step.total}] {SIGNS[change.action]} {change.address:<26}"
    text = f"{head}  {_DONE[change.action]:<9} {step.seconds:.2f} s"
    return wrap(harmless(text), width, "  ")


def applied_lines(applied: Applied, width: int) -> list[str]:
    """The end of an apply."""
    if applied.apply_id is None:
        return ["Nothing to apply."]
    noted = f" {plural(applied.remembered, 'task')} remembered." if applied.remembered else ""
    text = f"Applied {applied.written} of {applied.total}. Journal {applied.apply_id}.{noted}"
    return wrap(text, width)


def taken_lines(taken: Taken, width: int) -> list[str]:
    """From whom the lock was taken over, and what a killed apply left."""
    lines = []
    if taken.former is not None:
        lines = wrap(harmless(f"note: took over the lock of {taken.former}; it ended"), width, "  ")
    return [*lines, *(line for item in taken.recovered for line in recovered_lines(item, width))]
