"""A plan as lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from reconciler.base.clock import spell_age
from reconciler.base.text import cut, harmless, plural, wrap
from reconciler.operations.applying.taken import Recovered, Taken
from reconciler.operations.planning.plan import Planned
from reconciler.plan.change import Action, Plan
from reconciler.report.change_text import SIGNS, View, change_lines, view_of
from reconciler.report.drift_text import drift_lines, known_lines, unused_lines
from reconciler.report.human import diagnostics_lines, timed
from reconciler.report.levels import Level
from reconciler.report.plan_facts import rebuild_lines, release_lines, tracked_lines, unknown_lines
from reconciler.report.safety_text import safety_lines, spell_blocked
from reconciler.report.selection_text import spell_revision

# More of one kind than this is counted: a summary of 10,000 tasks is still one. Never deletes.
_MOST_IN_SUMMARY = 20


def plan_lines(
    planned: Planned,
    seconds: float,
    width: int,
    now: datetime,
    level: Level = Level.DEFAULT,
) -> list[str]:
    """The whole output of `plan`."""
    plan, view = planned.plan, view_of(planned.plan, width, now, level)
    lines = [*_head(planned, seconds, width), *_changes(plan, view), *_drift(planned, view)]
    lines += [*_unmanaged(plan, view), *release_lines(plan, view)]
    lines += [*unknown_lines(plan, view), *rebuild_lines(plan, view)]
    lines += tracked_lines(plan, view)
    found = planned.validation
    problems = [*found.platform_problems, *found.policy_problems]
    lines += ["", *diagnostics_lines(problems, width)] if problems else [""]
    lines += safety_lines(plan, width)
    lines += wrap(summary(plan), width)
    lines += wrap(_policy_line(plan), width)
    return lines


def _head(planned: Planned, seconds: float, width: int) -> list[str]:
    plan = planned.plan
    told = f"{plan.declared} declared, {plan.live} live, state #{plan.state_serial}"
    if plan.compared_with is not None:
        told = f"{plan.declared} declared, compared with {spell_revision(plan)}"
    lines = timed(told, seconds, width)
    if planned.git_refusal is not None:
        text = f"note: no authors and commits are shown, Git says: {planned.git_refusal}"
        lines += wrap(harmless(text), width, "  ")
    return [*lines, *taken_lines(planned.taken, width)]


def _changes(plan: Plan, view: View) -> Iterator[str]:
    left = dict.fromkeys(Action, 0)
    if view.level is Level.SUMMARY and plan.writes:
        yield ""
    writes = sorted(plan.writes, key=lambda change: change.action is not Action.DELETE)
    for change in writes:
        left[change.action] += 1
        if view.level is not Level.SUMMARY:
            yield from ("", *change_lines(change, view))
        elif change.action is Action.DELETE or left[change.action] <= _MOST_IN_SUMMARY:
            yield from change_lines(change, view)
    if view.level is Level.SUMMARY:
        yield from _left_out(left)


def _left_out(counts: dict[Action, int]) -> Iterator[str]:
    for action, count in counts.items():
        if action is not Action.DELETE and count > _MOST_IN_SUMMARY:
            yield f"  {SIGNS[action]} and {count - _MOST_IN_SUMMARY:,} more to {_VERBS[action]}"


_VERBS = {
    Action.CREATE: "create",
    Action.UPDATE: "change",
    Action.RENAME: "rename",
    Action.DELETE: "delete",
    Action.NO_OP: "remember",
}


def _drift(planned: Planned, view: View) -> Iterator[str]:
    plan, apart = planned.plan, [] if view.level is Level.SUMMARY else [""]
    if view.level is Level.SUMMARY and (plan.drift or plan.known_drift):
        yield ""
    for drift in plan.drift:
        yield from (*apart, *drift_lines(drift, view.width, view.now, view.level))
    if plan.known_drift:
        yield from apart
        yield from known_lines(plan.known_drift, view.width, view.now, view.level)
    if planned.unused:
        yield from ("", *unused_lines(planned, view.width))


def _unmanaged(plan: Plan, view: View) -> list[str]:
    if not plan.unmanaged:
        return []
    names = ", ".join(plan.unmanaged)
    shown = names if view.full else cut(names, 200)
    text = f"  {plural(len(plan.unmanaged), 'live task')} not declared, left alone: {shown}"
    return ["", *wrap(harmless(text), view.width, "      ")]


def summary(plan: Plan) -> str:
    """`Plan: 1 to create, 38 unchanged, 1 drifted.` What is none is left out."""
    told = [
        f"{plan.count(action):,} to {verb}" for action, verb in _VERBS.items() if plan.count(action)
    ]
    rest = [f"{plan.unchanged:,} unchanged"]
    rest += [f"{len(plan.drift):,} drifted"] if plan.drift else []
    rest += [f"{len(plan.known_drift):,} known drift"] if plan.known_drift else []
    title = "Plan: " if plan.compared_with is None else "Comparison: "
    return (title if told else "No changes: ") + ", ".join([*told, *rest]) + "."


def _policy_line(plan: Plan) -> str:
    policy = plan.policy
    failures = plural(policy.failures, "failure")
    why = f", {told}" if (told := spell_blocked(plan)) else ""
    is_blocked = policy.failures or plan.blocked
    blocked = f" BLOCKED: this plan cannot be applied{why}." if is_blocked else ""
    return f"{share_of_deletes(plan)}Policy: {failures}, {policy.waived} waived.{blocked}"


def made_line(plan: Plan, now: datetime) -> str:
    """How old a saved plan is, and of which commit."""
    at = f", at {plan.inputs.commit[:7]}" if plan.inputs.commit else ""
    dirty = " with changes that are not committed" if plan.inputs.dirty else ""
    return f"Plan {plan.id}, made {spell_age(plan.created, now)}{at}{dirty}."


def share_of_deletes(plan: Plan) -> str:
    """`Deletes 1 of 41 (2.4 %). `, or nothing."""
    deletes = plan.count(Action.DELETE)
    if not deletes or not plan.live:
        return ""
    return f"Deletes {deletes:,} of {plan.live:,} ({100 * deletes / plan.live:.1f} %). "


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
    rest = ""
    if item.not_done:
        rest = f". Not done: {cut(', '.join(item.not_done), 200)}. "
        again = f"To finish that very plan: reconciler apply --resume {item.apply_id}"
        rest += "Live tasks moved since: make a new plan" if item.moved else again
    return wrap(harmless(text + rest), width, "  ")
