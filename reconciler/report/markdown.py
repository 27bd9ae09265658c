"""A plan as one Markdown comment for a pull request: verdict first, deletes never hidden."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from datetime import datetime

from reconciler.base.clock import to_iso
from reconciler.base.text import harmless, one_line, plural
from reconciler.model.task import Task
from reconciler.operations.plan import Planned
from reconciler.plan.change import Action, Cause, Change, Drift, FieldChange, Plan
from reconciler.report.describe import describe
from reconciler.report.plan_text import SIGNS, drift_fate, shown_fields, spell, summary

# Found again by whoever updates the comment in place.
MARKER = "<!-- reconciler plan -->"
# GitHub refuses comments over 65,536 characters.
BUDGET = 60_000
# What each part may take; the other changes share what is left.
_POLICY_ROOM, _DELETE_ROOM, _DRIFT_ROOM = 8_000, 36_000, 4_000
_FIELDS_SHOWN = 30
_OTHERS = ((Action.RENAME, "Rename, no rebuild"), (Action.UPDATE, "Change"))
_LAST = (Action.CREATE, "Create")


def plan_markdown(planned: Planned, now: datetime) -> str:
    """The comment, at most `BUDGET` characters; what does not fit is counted."""
    plan = planned.plan
    blocks = [MARKER, f"## {summary(plan)}", "", _verdict(plan), *_policy(plan), *_deletes(plan)]
    drift = list(_drift(plan))
    room = BUDGET - sum(len(block) + 1 for block in (*blocks, *drift)) - 500
    left_out = 0
    for action, title in (*_OTHERS, _LAST):
        changes = [change for change in plan.changes if change.action is action]
        if not changes:
            continue
        shown, rest = fit(("\n".join(_change(change, now)) for change in changes), room)
        blocks += [f"\n### {title} ({len(changes)})", *shown]
        room -= sum(len(block) + 1 for block in shown)
        left_out += rest
    blocks += drift
    if left_out:
        blocks.append(f"\n{plural(left_out, 'change')} left out here; see the plan file.")
    return "\n".join(blocks)


def fit(blocks: Iterable[str], room: int) -> tuple[list[str], int]:
    """The blocks that fit, in order, and how many do not."""
    shown, left_out = [], 0
    for block in blocks:
        if len(block) + 1 > room:
            left_out += 1
            continue
        room -= len(block) + 1
        shown.append(block)
    return shown, left_out


def _verdict(plan: Plan) -> str:
    at = f" at `{plan.inputs.commit[:7]}`" if plan.inputs.commit else ""
    made = f"Plan `{plan.id}`{at}, state #{plan.state_serial}, expires {to_iso(plan.expires)}."
    failures = plural(plan.policy.failures, "policy failure")
    return f"**BLOCKED by {failures}.** {made}" if plan.policy.failures else made


def _policy(plan: Plan) -> Iterator[str]:
    policy = plan.policy
    if not policy.findings:
        return
    counts = f"{plural(policy.failures, 'failure')}, {plural(policy.warnings, 'warning')}"
    yield f"\n### Policy: {counts}, {policy.waived} waived"
    # Errors come last in the plan's list; here they come first, where nothing is cut.
    ranked = sorted(policy.findings, key=lambda text: not text.startswith("error"))
    shown, left_out = fit((f"- {escape(one_line(text, 600))}" for text in ranked), _POLICY_ROOM)
    yield from shown
    if left_out:
        yield f"- and {plural(left_out, 'finding')} more; see the plan file"


# ------------------------------------------------------------------ deletes
def _deletes(plan: Plan) -> Iterator[str]:
    """Every delete by name: with file and author if there is room, else the names alone."""
    deletes = [change for change in plan.changes if change.action is Action.DELETE]
    if not deletes:
        return
    yield f"\n### Delete ({len(deletes)})"
    lines = [_headline(change) for change in deletes]
    yield from lines if sum(map(len, lines)) < _DELETE_ROOM else _names(deletes)


def _names(deletes: list[Change]) -> Iterator[str]:
    """Names by registry. Only where even those do not fit are some left out, and counted."""
    by_registry: dict[str, list[str]] = {}
    for change in deletes:
        registry, _, name = change.address.partition("/")
        by_registry.setdefault(registry, []).append(name)
    room = _DELETE_ROOM
    left_out = 0
    for registry, names in by_registry.items():
        shown, rest = fit(names, room)
        left_out += rest
        if shown:
            yield f"- `-` {code(registry + '/', 200)}: {code(' '.join(shown), BUDGET)}"
        room -= sum(len(name) + 1 for name in shown)
    if left_out:
        yield f"\n**{plural(left_out, 'more delete')} not named here: see the plan file.**"


# ------------------------------------------------------------------ changes
def _headline(change: Change) -> str:
    former = f"{code(change.previous_address)} -> " if change.previous_address else ""
    return f"- `{SIGNS[change.action]}` {former}{code(change.address)}{_where(change.cause)}"


def _where(cause: Cause | None) -> str:
    if cause is None:
        return ""
    who = f" {cause.commit[:7]} {escape(one_line(cause.author or '', 80))}" if cause.commit else ""
    return f" {code(f'{cause.file}:{cause.line}')}{who}"


def _change(change: Change, now: datetime) -> Iterator[str]:
    yield _headline(change)
    if change.action is Action.CREATE and change.target is not None:
        for text in describe(Task.model_validate(change.target), now):
            yield f"  - {code(text)}"
        return
    fields = shown_fields(change)
    for field in fields[:_FIELDS_SHOWN]:
        note = {"defaults": f" from {code(field.origin or '')}", "drift": ", undoes drift"}
        yield f"  - {_values(field, ' -> ')}{note.get(field.cause, '')}"
    yield from _more_fields(fields)


def _drift(plan: Plan) -> Iterator[str]:
    if not plan.drift:
        return
    yield f"\n### Drift: changed live, not by this change ({len(plan.drift)})"
    shown, left_out = fit(("\n".join(_drifted(drift)) for drift in plan.drift), _DRIFT_ROOM)
    yield from shown
    if left_out:
        yield f"- and {plural(left_out, 'task')} more; see `reconciler drift`"


def _drifted(drift: Drift) -> Iterator[str]:
    yield f"- `!` {code(drift.address)} {drift.kind} live, {drift_fate(drift)}"
    for field in drift.paths[:_FIELDS_SHOWN]:
        yield f"  - {_values(field, ' applied, live ')}"
    yield from _more_fields(drift.paths)


def _values(field: FieldChange, between: str) -> str:
    name = field.path.removeprefix("spec.")
    return f"{code(name)}: {code(spell(field.before))}{between}{code(spell(field.after))}"


def _more_fields(fields: tuple[FieldChange, ...]) -> Iterator[str]:
    if len(fields) > _FIELDS_SHOWN:
        yield f"  - and {len(fields) - _FIELDS_SHOWN} fields more"


def code(text: str, width: int = 300) -> str:
    """Text as inline code on one line, whatever it holds."""
    return f"`{one_line(text, width).replace('`', chr(39)) or ' '}`"


def escape(text: str) -> str:
    """Text that Markdown shows as it is: no markup, no links, and nobody mentioned."""
    plain = "".join(f"\\{letter}" if letter in "\\*_[]()`|#~!$" else letter for letter in text)
    plain = html.escape(harmless(plain.replace("\n", " ")), quote=False)
    for sign in ("@", "://", "www."):
        plain = plain.replace(sign, f"{sign[0]}\u200b{sign[1:]}")
    return plain
