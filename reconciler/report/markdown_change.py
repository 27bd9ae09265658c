"""One change of a plan as an item of a Markdown list. Whatever the change holds stays text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from reconciler.base.text import one_line
from reconciler.model.task import Task
from reconciler.plan.change import Action, Cause, Change, FieldChange, Plan
from reconciler.plan.facts import TimerChange
from reconciler.report.change_text import (
    SIGNS,
    fate_of_unreadable,
    plain_fields,
    renamed,
    secrets_of,
)
from reconciler.report.describe import describe
from reconciler.report.facts_text import spell_secret, spell_timer
from reconciler.report.inert import code, escape
from reconciler.report.reasons import Reasons, who
from reconciler.report.values import spell_both

_FIELDS_SHOWN = 30


@dataclass(frozen=True, slots=True)
class Reader:
    """What is known of the whole plan when one change is told."""

    now: datetime
    reasons: Reasons
    timers: dict[str, list[TimerChange]]


def reader_of(plan: Plan, now: datetime) -> Reader:
    """The reader of a plan."""
    timers: dict[str, list[TimerChange]] = {}
    for timer in plan.timers:
        timers.setdefault(timer.address, []).append(timer)
    return Reader(now, Reasons(plan, now), timers)


def headline(change: Change) -> str:
    """Sign, address, file and author."""
    former = f"{code(change.previous_address)} -> " if change.previous_address else ""
    unread = f", {fate_of_unreadable(change)}" if change.unreadable else ""
    unread += f", {escape(one_line(renamed(change)))}" if change.action is Action.RENAME else ""
    where = _where(change.cause)
    return f"- `{SIGNS[change.action]}` {former}{code(change.address)}{where}{unread}"


def _where(cause: Cause | None) -> str:
    if cause is None:
        return ""
    told = who(cause).strip()
    return f" {code(f'{cause.file}:{cause.line}')}{f' {escape(one_line(told))}' if told else ''}"


def change_block(change: Change, reader: Reader) -> str:
    """The headline and, below it, what a new task does or which fields change."""
    return "\n".join([headline(change), *(f"  - {line}" for line in _lines(change, reader))])


def _lines(change: Change, reader: Reader) -> Iterator[str]:
    if change.action is Action.CREATE and change.target is not None:
        yield from map(code, describe(Task.model_validate(change.target.read()), reader.now))
        return
    secrets = secrets_of(change)
    fields = plain_fields(change, secrets)
    for field in fields[:_FIELDS_SHOWN]:
        why = reader.reasons.why(change, field)
        yield values(field, " -> ") + (f", {escape(one_line(why))}" if why else "")
    for secret in secrets[:_FIELDS_SHOWN]:
        why = reader.reasons.why_secret(change, secret)
        told = f"{code(secret.path.removeprefix('spec.'))}: {code(spell_secret(secret))}"
        yield told + (f", {escape(one_line(why))}" if why else "")
    for timer in reader.timers.get(change.address, [])[:_FIELDS_SHOWN]:
        yield f"timer {code(timer.timer)}: {spell_timer(timer, reader.now)}"
    for left in (fields, secrets):
        yield from (line.removeprefix("  - ") for line in more_fields(len(left) - _FIELDS_SHOWN))


def values(field: FieldChange, between: str) -> str:
    """Name and both values of a field."""
    name = field.path.removeprefix("spec.")
    before, after = map(code, spell_both(field.before, field.after))
    return f"{code(name)}: {before}{between}{after}"


def more_fields(count: int) -> Iterator[str]:
    """How many fields are not shown, if any."""
    if count > 0:
        yield f"  - and {count} fields more"
