"""A plan as one Markdown comment for a pull request: verdict first, deletes never hidden."""

from __future__ import annotations

import html
from collections.abc import Iterator
from datetime import datetime

from reconciler.base.clock import to_iso
from reconciler.base.text import harmless, plural
from reconciler.model.task import Task
from reconciler.operations.plan import Planned
from reconciler.plan.change import Action, Change, Plan
from reconciler.report.plan_text import SIGNS, describe, spell, summary

# Found again by whoever updates the comment in place.
MARKER = "<!-- reconciler plan -->"
# GitHub refuses comments over 65,536 characters.
BUDGET = 60_000
_ORDER = (Action.DELETE, Action.RENAME, Action.UPDATE, Action.CREATE)
_TITLES = {
    Action.DELETE: "Delete",
    Action.RENAME: "Rename, no rebuild",
    Action.UPDATE: "Change",
    Action.CREATE: "Create",
}


def plan_markdown(planned: Planned, now: datetime) -> str:
    """The comment, at most `BUDGET` characters; what does not fit is counted."""
    plan = planned.plan
    head = [MARKER, f"## {summary(plan)}", "", _verdict(plan)]
    blocks = [*head, *_policy(plan)]
    size, left_out = sum(map(len, blocks)), 0
    for action in _ORDER:
        changes = [change for change in plan.changes if change.action is action]
        if changes:
            blocks += ["", f"### {_TITLES[action]} ({len(changes)})"]
        for change in changes:
            text = "\n".join(_change(change, now))
            if size + len(text) > BUDGET - 1000 and action is not Action.DELETE:
                left_out += 1
                continue
            size += len(text) + 1
            blocks.append(text)
    blocks += _drift(plan)
    if left_out:
        blocks += ["", f"{plural(left_out, 'change')} left out here; see the plan file."]
    return _cut("\n".join(blocks))


def _cut(text: str) -> str:
    if len(text) <= BUDGET:
        return text
    return text[: BUDGET - 80].rsplit("\n", 1)[0] + "\n\n(cut here; see the plan file)"


def _verdict(plan: Plan) -> str:
    at = f" at `{plan.inputs.commit[:7]}`" if plan.inputs.commit else ""
    made = f"Plan `{plan.id}`{at}, state #{plan.state_serial}, expires {to_iso(plan.expires)}."
    failures = plural(plan.policy.failures, "policy failure")
    return f"**BLOCKED by {failures}.** {made}" if plan.policy.failures else made


def _policy(plan: Plan) -> Iterator[str]:
    policy = plan.policy
    if policy.findings:
        counts = f"{plural(policy.failures, 'failure')}, {plural(policy.warnings, 'warning')}"
        yield f"\n### Policy: {counts}, {policy.waived} waived"
        for finding in policy.findings[:50]:
            yield f"- {escape(finding)}"


def _change(change: Change, now: datetime) -> Iterator[str]:
    former = f"{code(change.previous_address)} -> " if change.previous_address else ""
    cause = change.cause
    where = f" {code(f'{cause.file}:{cause.line}')}" if cause else ""
    who = f" {cause.commit[:7]} {escape(cause.author or '')}" if cause and cause.commit else ""
    yield f"- `{SIGNS[change.action]}` {former}{code(change.address)}{where}{who}"
    if change.action is Action.CREATE and change.target is not None:
        for text in describe(Task.model_validate(change.target), now):
            yield f"  - {escape(text)}"
        return
    for field in change.fields:
        name = field.path.removeprefix("spec.")
        note = {"defaults": f" (from {field.origin})", "drift": " (undoes drift)"}
        told = escape(note.get(field.cause, ""))
        yield f"  - {code(name)}: {code(spell(field.before))} -> {code(spell(field.after))}{told}"


def _drift(plan: Plan) -> Iterator[str]:
    if plan.drift:
        yield f"\n### Drift: changed live, not by this change ({len(plan.drift)})"
    for drift in plan.drift:
        fate = "undone" if drift.heal else "left alone"
        yield f"- `!` {code(drift.address)} {drift.kind} live, {fate}"
        for field in drift.fields:
            values = f"applied {code(spell(field.before))}, live {code(spell(field.after))}"
            yield f"  - {code(field.path.removeprefix('spec.'))}: {values}"


def code(text: str) -> str:
    """Text as inline code, whatever it holds."""
    plain = harmless(text).replace("`", "'").replace("|", "\\|")
    return f"`{plain}`"


def escape(text: str) -> str:
    """Text that Markdown shows as it is, and that mentions nobody."""
    plain = html.escape(harmless(text), quote=False).replace("@", "@\u200b")
    return "".join(f"\\{letter}" if letter in "*_[]`|#~" else letter for letter in plain)
