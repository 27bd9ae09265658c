"""An apply as lines for people: each write, and the end."""

from __future__ import annotations

from datetime import datetime

from reconciler.base.clock import spell_age
from reconciler.base.text import harmless, plural, wrap
from reconciler.operations.applying.apply import Applied, Step
from reconciler.plan.change import Action
from reconciler.report.change_text import SIGNS

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


def applied_lines(applied: Applied, width: int, now: datetime) -> list[str]:
    """The end of an apply."""
    if applied.apply_id is None:
        return ["Nothing to apply."]
    if applied.earlier and not (applied.written or applied.remembered):
        done = f"Nothing left to do: apply {applied.apply_id} has done all {applied.total} writes."
        return wrap(done, width)
    before = f", {applied.earlier} were done before" if applied.earlier else ""
    noted = f" {plural(applied.remembered, 'task')} remembered." if applied.remembered else ""
    made = f" The plan was made {spell_age(applied.made, now)}." if applied.made else ""
    text = (
        f"Applied {applied.written} of {applied.total}{before}. Journal {applied.apply_id}.{noted}"
        f"{made}"
    )
    return wrap(text, width)
