"""A plan and drift as lines for people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from reconciler.base.clock import spell_ago
from reconciler.base.text import cut, harmless, plural, wrap
from reconciler.model.schedule import ScheduleError, parse_schedule
from reconciler.model.task import Task
from reconciler.operations.apply import Taken
from reconciler.operations.plan import Planned
from reconciler.operations.recover import Recovered
from reconciler.plan.change import Action, Change, Drift, FieldChange, Plan
from reconciler.report.describe import describe
from reconciler.report.human import diagnostics_lines, timed

SIGNS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.RENAME: ">",
    Action.DELETE: "-",
    Action.NO_OP: "=",
}


def plan_lines(planned: Planned, seconds: float, width: int, now: datetime) -> list[str]:
    """The whole output of `plan`."""
    plan = planned.plan
    head = f"{plan.declared} declared, {plan.live} live, state #{plan.state_serial}"
    lines = timed(head, seconds, width)
    if planned.git_refusal is not None:
        text = f"note: no authors and commits are shown, Git says: {planned.git_refusal}"
        lines += wrap(harmless(text), width, "  ")
    lines += taken_lines(planned.taken, width)
    for change in plan.changes:
        if change.action is not Action.NO_OP:
            lines += ["", *_change_lines(change, width, now)]
    for drift in plan.drift:
        lines += ["", *_drift_lines(drift, width, now)]
    if plan.unmanaged:
        names = cut(", ".join(plan.unmanaged), 200)
        text = f"  {plural(len(plan.unmanaged), 'live task')} not declared, left alone: {names}"
        lines += ["", *wrap(harmless(text), width, "      ")]
    problems = planned.validation.policy_problems
    lines += ["", *diagnostics_lines(problems, width)] if problems else [""]
    lines += wrap(summary(plan), width)
    lines += wrap(_policy_line(plan), width)
    return lines


def summary(plan: Plan) -> str:
    """`Plan: 1 to create, 38 unchanged, 1 drifted.` What is none is left out."""
    counts = [
        (plan.count(Action.CREATE), "to create"),
        (plan.count(Action.UPDATE), "to change"),
        (plan.count(Action.RENAME), "to rename"),
        (plan.count(Action.DELETE), "to delete"),
        (plan.count(Action.NO_OP), "to remember"),
    ]
    told = [f"{count:,} {words}" for count, words in counts if count]
    rest = [f"{plan.unchanged:,} unchanged"]
    rest += [f"{len(plan.drift):,} drifted"] if plan.drift else []
    return ("Plan: " if told else "No changes: ") + ", ".join([*told, *rest]) + "."


def _policy_line(plan: Plan) -> str:
    policy, deletes = plan.policy, plan.count(Action.DELETE)
    share = ""
    if deletes and plan.live:
        share = f"Deletes {deletes} of {plan.live} ({100 * deletes / plan.live:.1f} %). "
    failures = plural(policy.failures, "failure")
    blocked = " BLOCKED: this plan cannot be applied." if policy.failures else ""
    return share + f"Policy: {failures}, {policy.waived} waived.{blocked}"


# ------------------------------------------------------------------ changes
def _change_lines(change: Change, width: int, now: datetime) -> Iterator[str]:
    yield from wrap(harmless(_headline(change)), width, "      ")
    if change.action is Action.CREATE and change.target is not None:
        for text in describe(Task.model_validate(change.target), now):
            yield from wrap(harmless(f"      {text}"), width, "        ")
    elif change.action in {Action.UPDATE, Action.RENAME}:
        for field in shown_fields(change):
            yield from field_lines(field, width)


def shown_fields(change: Change) -> tuple[FieldChange, ...]:
    """The fields of a change, but for the name of a renamed task: its headline says it."""
    renamed = change.action is Action.RENAME
    return tuple(f for f in change.paths if not (renamed and f.path == "metadata.name"))


def _headline(change: Change) -> str:
    former = f"{change.previous_address} -> " if change.previous_address else ""
    words = {
        Action.CREATE: "new",
        Action.UPDATE: plural(len(change.paths), "field")
        + (", adopts the live task" if change.adopts else ""),
        Action.RENAME: "renamed, no rebuild",
        Action.DELETE: "delete" if change.base is not None else "already gone; only forgotten",
        Action.NO_OP: "remembered",
    }
    head = f"  {SIGNS[change.action]} {former + change.address:<26}  {words[change.action]:<11}"
    return f"{head}  {_cause(change)}".rstrip()


def _cause(change: Change) -> str:
    cause = change.cause
    if cause is None:
        return ""
    if change.action is Action.DELETE:
        where = f"removed in {cause.commit[:7]} {cause.author}" if cause.commit else "removed"
        return f"{where} ({cause.file})"
    who = "not committed" if cause.uncommitted else ""
    if cause.commit:
        who = f"{cause.commit[:7]} {cause.author}"
    return f"{cause.file}:{cause.line}  {who}"


def field_lines(field: FieldChange, width: int) -> list[str]:
    """One field: name, before, after; where the value comes from if not from the spec."""
    name = field.path.removeprefix("spec.")
    note = {"defaults": f"  from {field.origin}", "drift": "  undoes drift"}.get(field.cause, "")
    text = f"      {name:<24}  {spell(field.before)} -> {spell(field.after)}{note}{_rate(field)}"
    return wrap(harmless(text), width, "        ")


def spell(value: Any) -> str:
    """A value as JSON, cut; `(none)` where there is none."""
    return "(none)" if value is None else cut(json.dumps(value, ensure_ascii=False), 120)


def _rate(field: FieldChange) -> str:
    if not field.path.endswith(".schedule"):
        return ""
    rates = [_fires(value) for value in (field.before, field.after)]
    return f"  {rates[0]} -> {rates[1]} runs a day" if all(rates) else ""


def _fires(value: Any) -> int:
    try:
        return parse_schedule(value).fires_per_day if isinstance(value, str) else 0
    except ScheduleError:
        return 0


# -------------------------------------------------------------------- drift
def drift_fate(drift: Drift) -> str:
    """What becomes of the drift of a task."""
    if drift.kind == "deleted":
        return "made again" if drift.heal else "left so (--heal to undo)"
    if drift.heal:
        return "undone by this plan"
    fates = {field.cause for field in drift.paths}
    if fates == {"accepted"}:
        return "and the spec says the same by now"
    return "the spec wins" if "drift" not in fates else "left alone (--heal to undo)"


_FATES = {
    "spec": "  (the spec changes it too, and wins)",
    "accepted": "  (the spec says the same by now)",
}


def _drift_lines(drift: Drift, width: int, now: datetime) -> Iterator[str]:
    told = f"{'drift,' if drift.kind == 'changed' else 'deleted live;'} {drift_fate(drift)}"
    yield from wrap(harmless(f"  ! {drift.address:<26}  {told}"), width, "      ")
    who = f"  by {drift.changed_by}" if drift.changed_by else ""
    when = f", {spell_ago(drift.changed_at, now)}" if drift.changed_at and who else ""
    for field in drift.paths:
        name = field.path.removeprefix("spec.")
        values = f"applied {spell(field.before)}, live {spell(field.after)}"
        fate = "" if drift.heal else _FATES.get(field.cause, "")
        text = f"      {name:<24}  {values}{who}{when}{fate}"
        yield from wrap(harmless(text), width, "        ")


def drift_report(plan: Plan, width: int, now: datetime) -> list[str]:
    """The whole output of `drift`."""
    rogue = f"{plural(len(plan.unmanaged), 'live task')} not declared and never applied"
    unmanaged = wrap(rogue, width, "  ") if plan.unmanaged else []
    if not plan.drift:
        same = plan.live - len(plan.unmanaged)
        return [f"no drift: {plural(same, 'live task')} as last applied", *unmanaged]
    lines = [line for drift in plan.drift for line in _drift_lines(drift, width, now)]
    told = f"{plural(len(plan.drift), 'task')} drifted since the last apply."
    return [*lines, "", told, *unmanaged]


def taken_lines(taken: Taken, width: int) -> list[str]:
    """From whom the lock was taken over, and what a killed apply left."""
    lines = []
    if taken.former is not None:
        lines = wrap(harmless(f"note: took over the lock of {taken.former}; it ended"), width, "  ")
    return [*lines, *(line for item in taken.recovered for line in _recovered_lines(item, width))]


def _recovered_lines(item: Recovered, width: int) -> list[str]:
    """What was found of an apply that was killed."""
    text = (
        f"note: apply {item.apply_id} by {item.actor} was interrupted after "
        f"{item.done} of {item.total} writes; the journal is in order again"
    )
    rest = f". Not done: {cut(', '.join(item.not_done), 200)}" if item.not_done else ""
    return wrap(harmless(text + rest), width, "  ")
