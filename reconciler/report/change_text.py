"""One change of a plan as lines for people, at the level they asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from reconciler.base.text import harmless, plural, wrap
from reconciler.model.task import Task
from reconciler.plan.change import Action, Cause, Change, FieldChange, Frozen, Plan
from reconciler.plan.facts import TimerChange
from reconciler.plan.fields import fields_of_new
from reconciler.plan.secrets import SecretChange, secret_changes
from reconciler.report.describe import describe
from reconciler.report.facts_text import spell_secret, spell_timer
from reconciler.report.levels import Level
from reconciler.report.reasons import Reasons, who
from reconciler.report.values import spell, spell_both

SIGNS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.RENAME: ">",
    Action.DELETE: "-",
    Action.NO_OP: "=",
}


# What of a spec decides where a build comes from, where it goes, and what it may.
_GRAVE = ("context.", "step.", "credentials", "identity", "network", "dockerSocket")
_MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class View:
    """Who looks: how wide, when, at which level, and what is known of the whole plan."""

    width: int
    now: datetime
    level: Level
    reasons: Reasons
    timers: dict[str, list[TimerChange]]

    @property
    def full(self) -> bool:
        """True if everything is told."""
        return self.level is Level.FULL


def view_of(plan: Plan, width: int, now: datetime, level: Level) -> View:
    """The view of a plan."""
    timers: dict[str, list[TimerChange]] = {}
    for timer in plan.timers:
        timers.setdefault(timer.address, []).append(timer)
    return View(width, now, level, Reasons(plan, now, level), timers)


def change_lines(change: Change, view: View) -> Iterator[str]:
    """The headline, and below it what the task does or which fields change."""
    if view.level is Level.SUMMARY:
        yield from wrap(harmless(_short_headline(change, view.width)), view.width, "      ")
        return
    yield from wrap(harmless(headline(change)), view.width, "      ")
    if change.action is Action.CREATE and not view.full:
        yield from _described(change.target, view, view.now)
    elif change.action is Action.DELETE and view.full:
        yield from _described(change.base, view, None)
    else:
        yield from _field_lines(change, view)


def _described(document: Frozen | None, view: View, now: datetime | None) -> Iterator[str]:
    if document is not None:
        for text in describe(Task.model_validate(document.read()), now):
            yield from wrap(harmless(f"      {text}"), view.width, "        ")


def _field_lines(change: Change, view: View) -> Iterator[str]:
    secrets = secrets_of(change)
    for field in plain_fields(change, secrets):
        why = view.reasons.why(change, field)
        if change.action is Action.CREATE:
            yield from _named(_short(field), _with(spell(field.after, full=True), why), view.width)
        else:
            yield from field_lines(field, view.width, why, full=view.full)
    for secret in secrets:
        text = _with(spell_secret(secret), view.reasons.why_secret(change, secret))
        yield from _named(secret.path.removeprefix("spec."), text, view.width)
    for timer in view.timers.get(change.address, ()):
        yield from _named(f"timer {timer.timer}", spell_timer(timer, view.now), view.width)


def secrets_of(change: Change) -> tuple[SecretChange, ...]:
    """The secrets that a change gives a task, takes from it or refers to anew."""
    if change.target is None:
        return ()
    return secret_changes(change.base.read() if change.base else None, change.target.read())


def fields_of(change: Change) -> tuple[FieldChange, ...]:
    """Every field that changes; of a new task all that it has."""
    if change.action is not Action.CREATE or change.target is None:
        return change.fields
    return fields_of_new(change.target.read(), change.paths)


def plain_fields(change: Change, secrets: tuple[SecretChange, ...]) -> list[FieldChange]:
    """The fields but for those told as secrets, and the name that the headline of a rename says."""
    return [
        field
        for field in fields_of(change)
        if not any(secret.holds(field.path) for secret in secrets)
    ]


def field_lines(field: FieldChange, width: int, why: str = "", *, full: bool = False) -> list[str]:
    """One field: name, before, after; why, if there is more to say than the headline does."""
    before, after = spell_both(field.before, field.after, full=full)
    return _named(_short(field), _with(f"{before} -> {after}", why), width)


def _short(field: FieldChange) -> str:
    return field.path.removeprefix("spec.")


def _with(text: str, why: str) -> str:
    return f"{text}  {why}" if why else text


def _named(name: str, text: str, width: int) -> list[str]:
    return wrap(harmless(f"      {name:<24}  {text}"), width, "        ")


def headline(change: Change) -> str:
    """Sign, address, what happens, where it is written and who wrote it."""
    return f"{_head(change)}  {_cause(change)}".rstrip()


def _short_headline(change: Change, width: int) -> str:
    """As much of the headline as one line holds; never less than the address and what happens."""
    head, cause = _head(change), change.cause
    forms = [headline(change)]
    if cause is not None:
        commit = cause.commit[:7] if cause.commit and cause.of != "file" else ""
        removed = change.action is Action.DELETE
        place = "removed" if removed else f"{cause.file}:{cause.line}"
        forms += [f"{head}  {place}{' in' if removed else ' '} {commit}"] if commit else []
        forms.append(f"{head}  {place}")
    return next((form for form in forms if len(harmless(form)) <= width), head.rstrip())


def _head(change: Change) -> str:
    former = f"{change.previous_address} -> " if change.previous_address else ""
    words = {
        Action.CREATE: "new",
        Action.UPDATE: plural(len(change.paths), "field")
        + (", adopts the live task" if change.adopts else ""),
        Action.RENAME: renamed(change),
        Action.DELETE: "delete" if change.base is not None else "already gone; only forgotten",
        Action.NO_OP: "remembered",
    }
    told = words[change.action]
    if change.unreadable:
        told = f"{told}, {fate_of_unreadable(change)}"
    return f"  {SIGNS[change.action]} {former + change.address:<26}  {told:<11}"


def renamed(change: Change) -> str:
    """What a rename changes beside the name; what decides on builds and their rights, by name."""
    names = [field.path.removeprefix("spec.") for field in change.fields]
    if not names:
        return "renamed, no rebuild"
    grave = [name for name in names if name.startswith(_GRAVE)]
    more = [f"{len(grave) - _MOST_NAMES} more"] if len(grave) > _MOST_NAMES else []
    told = f" ({', '.join([*grave[:_MOST_NAMES], *more])})" if grave else ""
    return f"renamed, {plural(len(names), 'field')}{told}"


def fate_of_unreadable(change: Change) -> str:
    """What becomes of a live task that cannot be read."""
    if change.action is Action.DELETE:
        return "what is live cannot be read"
    return "what is live cannot be read, and is overwritten"


def _cause(change: Change) -> str:
    cause = change.cause
    if cause is None:
        return ""
    if cause.of == "request":
        return f"destroy asked by {cause.author} ({cause.file})"
    if change.action is Action.DELETE:
        return f"{_removed(cause)} ({cause.file})"
    return f"{cause.file}:{cause.line}{who(cause) or '  '}"


def _removed(cause: Cause) -> str:
    if cause.of == "file":  # the file is there, and what took the task out of it is not known
        return f"removed;{who(cause)}"
    return f"removed in {cause.commit[:7]} {cause.author}" if cause.commit else "removed"
