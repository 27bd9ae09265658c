"""Why a field changes, in a few words: who wrote it where, which Defaults, template or drift."""

from __future__ import annotations

from datetime import datetime

from reconciler.base.clock import spell_ago
from reconciler.plan.change import Cause, Change, Drift, FieldChange, Plan
from reconciler.report.levels import Level

# What comes from another file than its own, and how.
_ELSEWHERE = {"defaults": "", "variables": ", read by its template"}


class Reasons:
    """Answers for the fields of one plan."""

    def __init__(self, plan: Plan, now: datetime, level: Level = Level.DEFAULT) -> None:
        self._authors = {cause.file: cause for cause in plan.inherited}
        self._drift = {drift.address: drift for drift in plan.drift}
        self._now, self._full = now, level is Level.FULL

    def why(self, change: Change, field: FieldChange) -> str:
        """The words after a value; "" where the headline of the change says it."""
        if field.cause == "drift":
            return f"undoes drift{self._by(self._drift.get(_live_address(change)))}"
        if field.cause == "tool":
            return "another version of reconciler reads the same files so"
        if field.cause == "removed":
            return "no longer written" if self._full or field.after is not None else ""
        file, line = _place(field)
        if field.cause in _ELSEWHERE:
            by = who(self._authors.get(file) or change.cause)
            return f"from {field.origin}{_ELSEWHERE[field.cause]}{by}"
        if field.cause == "template":
            return f"from template {file.removesuffix(' (rendered)')}{self._author(change, line)}"
        return f"{file}:{line}{who(change.cause)}" if self._full and file else ""

    def _author(self, change: Change, line: str) -> str:
        return f", line {line} of what it gives{who(change.cause)}" if self._full else ""

    def _by(self, drift: Drift | None) -> str:
        if drift is None or drift.changed_by is None:
            return ""
        when = f", {spell_ago(drift.changed_at, self._now)}" if drift.changed_at else ""
        return f" by {drift.changed_by}{when}"


def who(cause: Cause | None) -> str:
    """`  4be02d1 dev@contoso.example`, `  not committed`, or nothing."""
    if cause is None:
        return ""
    if cause.commit:
        return f"  {cause.commit[:7]} {cause.author}"
    return "  not committed" if cause.uncommitted else ""


def _live_address(change: Change) -> str:
    return change.previous_address or change.address


def _place(field: FieldChange) -> tuple[str, str]:
    if field.origin is None:
        return "", ""
    file, line, _ = field.origin.rsplit(":", 2)
    return file, line
