"""A plan and its findings as notes on lines of a pull request: GitHub's and Azure's commands.

A CI service reads these lines from the log of a step. Whatever a plan holds is encoded, so that no
name or value can end a command and begin another.
Sources: "Workflow commands for GitHub Actions"; "Azure Pipelines logging commands".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from reconciler.base.diagnostics import Diagnostic, Severity
from reconciler.base.source import RENDERED
from reconciler.base.text import one_line, plural
from reconciler.operations.planning.plan import Planned
from reconciler.operations.reading.validate import Validation
from reconciler.plan.change import Action, Cause, Change, Drift, Plan
from reconciler.report.change_text import fate_of_unreadable, plain_fields, secrets_of
from reconciler.report.facts_text import created_by, ranked, spell_release, spell_timer
from reconciler.report.plan_text import summary
from reconciler.report.safety_text import blocked_sentences
from reconciler.report.selection_text import base_warnings, scope_sentences

# GitHub shows ten of each kind for a step, and drops the rest without a word.
_MOST = 10
_KINDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


@dataclass(frozen=True, slots=True)
class Note:
    """What is told about a line; without a file it is told of the whole."""

    kind: str
    title: str
    text: str
    file: str | None = None
    line: int | None = None
    column: int | None = None


def diagnostic_annotations(
    items: Iterable[Diagnostic], service: str, folder: str = ""
) -> list[str]:
    """What is wrong with the input. `folder` is where the workspace lies in its repository."""
    return [*_lines(map(_of_diagnostic, items), service, folder)]


def validation_annotations(result: Validation, service: str, folder: str = "") -> list[str]:
    """The output of `validate -o github` and `-o azure`."""
    return diagnostic_annotations(result.problems, service, folder)


def plan_annotations(planned: Planned, service: str, folder: str = "") -> list[str]:
    """The output of `plan -o github` and `-o azure`: findings, dangers, changes, the summary."""
    plan = planned.plan
    notes = [
        *(Note("error", "BLOCKED", text) for text in blocked_sentences(plan)),
        *map(_of_diagnostic, planned.validation.problems),
        *(_of_delete(change) for change in plan.changes if change.action is Action.DELETE),
        *_of_releases(plan),
        *map(_of_drift, plan.drift),
        *(Note("warning", "base left out", text) for text in base_warnings(plan)),
        *_of_changes(plan),
    ]
    return [*_lines(notes, service, folder), *map(_quoted, scope_sentences(plan)), summary(plan)]


def _of_diagnostic(item: Diagnostic) -> Note:
    facts = [item.message]
    facts += [f"found {item.found}"] if item.found else []
    facts += [f"allowed {item.allowed}"] if item.allowed else []
    facts += [f"fix: {item.fix}"] if item.fix else []
    place = item.location
    title = item.rule or item.task or "reconciler"
    kind = _KINDS[item.severity]
    if place is None:
        return Note(kind, title, "; ".join(facts))
    return Note(kind, title, "; ".join(facts), place.file, place.line, place.column)


def _of_delete(change: Change) -> Note:
    file, line = _place(change.cause)
    return Note("warning", f"delete {change.address}", "apply deletes this task", file, line)


def _of_releases(plan: Plan) -> Iterator[Note]:
    for path in ranked(plan.releases, created_by(plan)):
        if not path.own:
            file, line, column = (path.origin or "::").rsplit(":", 2)
            yield Note(
                "warning",
                "new release path",
                spell_release(path),
                file or None,
                int(line or 0) or None,
                int(column or 0) or None,
            )


def _of_drift(drift: Drift) -> Note:
    by = f" by {drift.changed_by}" if drift.changed_by else ""
    fields = ", ".join(field.path.removeprefix("spec.") for field in drift.paths)
    ended = f"; known until {drift.ended}, which is over" if drift.ended else ""
    waits = "; what is new in the spec waits" if drift.waits else ""
    told = f"{drift.kind} live{by}: {fields or 'all'}"
    if drift.kind == "unreadable":
        told = f"cannot be read live{by and ', written'}{by}"
    text = f"{told}{ended}{waits}"
    return Note("warning", f"drift {drift.address}", text)


def _of_changes(plan: Plan) -> Iterator[Note]:
    timers: dict[str, list[str]] = {}
    for timer in plan.timers:
        told = f"timer {timer.timer} {spell_timer(timer, plan.created)}"
        timers.setdefault(timer.address, []).append(told)
    for change in plan.writes:
        if change.action is Action.CREATE:
            told = "; ".join(["new task", *timers.get(change.address, [])])
            yield Note("notice", f"create {change.address}", told, *_place(change.cause))
        elif change.action is not Action.DELETE:
            yield _of_change(change, timers.get(change.address, []))


def _of_change(change: Change, timers: list[str]) -> Note:
    file, line = _place(change.cause)
    secrets = secrets_of(change)
    names = [field.path.removeprefix("spec.") for field in plain_fields(change, secrets)]
    names += [secret.path.removeprefix("spec.") for secret in secrets]
    told = ", ".join(names) or ("renamed, no rebuild" if not change.unreadable else "no field")
    unread = [fate_of_unreadable(change)] if change.unreadable else []
    text = "; ".join([told, *unread, *timers])
    return Note("notice", f"{change.action} {change.address}", text, file, line)


def _place(cause: Cause | None) -> tuple[str | None, int | None]:
    return (cause.file, cause.line) if cause is not None else (None, None)


# ------------------------------------------------------------------ commands
def _lines(notes: Iterable[Note], service: str, folder: str) -> Iterator[str]:
    """At most ten lines of each kind; how many more there are is the last of them."""
    command = _COMMANDS[service]
    by_kind: dict[str, list[Note]] = {kind: [] for kind in ("error", "warning", "notice")}
    for note in notes:
        by_kind[note.kind].append(_placed(note, folder))
    for kind, heap in by_kind.items():
        shown = heap if len(heap) <= _MOST else heap[: _MOST - 1]
        yield from map(command, shown)
        if left := len(heap) - len(shown):
            yield command(Note(kind, "reconciler", f"and {plural(left, kind)} more; see the plan"))


def _placed(note: Note, folder: str) -> Note:
    """Files as the repository names them; no line of what only a template gave."""
    if note.file is None:
        return note
    file = folder + note.file.removesuffix(RENDERED)
    if note.file.endswith(RENDERED):
        return replace(note, file=file, line=None, column=None)
    return replace(note, file=file)


def _github(note: Note) -> str:
    facts = {
        "file": note.file,
        "line": note.line,
        "col": note.column,
        "title": one_line(note.title),
    }
    told = ",".join(f"{key}={_property(str(value))}" for key, value in facts.items() if value)
    return f"::{note.kind} {told}::{_message(note.text)}"


def _plain(text: str, percent: str) -> str:
    # One line, and both services look for `##` commands in the middle of it too.
    return one_line(text, 1000).replace("%", percent).replace("##", "# #").replace("##", "# #")


def _quoted(text: str) -> str:
    return _plain(text, "%")


def _message(text: str) -> str:
    return _plain(text, "%25")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")


def _azure(note: Note) -> str:
    if note.kind == "notice":  # Azure has no third kind: it goes to the log
        place = ":".join(str(part) for part in (note.file, note.line) if part)
        where = f"{place}: " if place else ""
        return _plain(f"{where}{note.title}: {note.text}", "%")
    facts = {
        "type": note.kind,
        "sourcepath": note.file,
        "linenumber": note.line,
        "columnnumber": note.column,
    }
    told = ";".join(f"{key}={_azure_value(str(value))}" for key, value in facts.items() if value)
    return f"##vso[task.logissue {told}]{_plain(f'{note.title}: {note.text}', '%AZP25')}"


def _azure_value(text: str) -> str:
    return _plain(text, "%AZP25").replace(";", "%3B").replace("]", "%5D")


_COMMANDS = {"github": _github, "azure": _azure}
