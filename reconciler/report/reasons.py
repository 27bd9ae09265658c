"""Why a field changes, in a few words: who wrote it where, which Defaults, template or drift."""

from __future__ import annotations

from datetime import datetime

from reconciler.base.clock import spell_ago
from reconciler.base.source import RENDERED
from reconciler.plan.change import Cause, Change, FieldChange, Plan
from reconciler.plan.parts import Blame
from reconciler.plan.secrets import SecretChange
from reconciler.report.levels import Level

# What comes from another file than its own, and how.
_ELSEWHERE = {"defaults": "", "variables": ", read by its template"}


class Reasons:
    """Answers for the fields of one plan."""

    def __init__(self, plan: Plan, now: datetime, level: Level = Level.DEFAULT) -> None:
        heaps = [(one.address, one.paths) for one in plan.drift]
        heaps += [(one.address, one.paths) for one in plan.known_drift]
        self._drift = {
            (address, field.path): field.blame for address, paths in heaps for field in paths
        }
        self._now, self._full = now, level is Level.FULL

    def why(self, change: Change, field: FieldChange) -> str:
        """The words after a value; "" where the headline of the change says it."""
        if field.cause == "drift":
            blame = self._drift.get((_live_address(change), field.path))
            return f"undoes drift{spell_by(blame, self._now)}"
        if field.cause == "tool":
            return "another version of reconciler reads the same files so"
        told = self._full or _differs(field.blame, change.cause)
        if field.cause == "removed":
            short = "no longer written" if told or field.after is not None else ""
            return short + (_taken(field.blame) if told else "")
        file, line = _place(field)
        if field.cause in _ELSEWHERE:
            return f"from {field.origin}{_ELSEWHERE[field.cause]}{who(field.blame)}"
        if field.cause == "template":
            author = f", line {line} of what it gives{who(field.blame)}" if self._full else ""
            return f"from template {file.removesuffix(RENDERED)}{author}"
        return f"{file}:{line}{who(field.blame)}" if told and file else ""

    def why_secret(self, change: Change, secret: SecretChange) -> str:
        """The same for a reference to a secret: that of the first of its fields that has one."""
        held = (self.why(change, field) for field in change.paths if secret.holds(field.path))
        return next(filter(None, held), "")


def spell_by(blame: Blame | None, now: datetime) -> str:
    """` by oncall@contoso.example, 2 h ago`, or nothing: of drift."""
    if blame is None or blame.author is None:
        return ""
    when = f", {spell_ago(blame.committed, now)}" if blame.committed else ""
    return f" by {blame.author}{when}"


def who(found: Cause | Blame | None) -> str:
    """`  4be02d1 dev@contoso.example`, `  not committed`, or nothing.

    Where Git was only asked for the file, that is said.
    """
    if found is None:
        return ""
    of_file = "  file last changed by" if found.of == "file" else ""
    if found.commit:
        return f"{of_file}  {found.commit[:7]} {found.author}"
    if not found.uncommitted:
        return ""
    return "  file has changes that are not committed" if of_file else "  not committed"


def _taken(blame: Blame | None) -> str:
    """`, removed from specs/a.yaml  4be02d1 dev@contoso.example`."""
    if blame is None or blame.of != "removal":
        return who(blame)
    return f", removed from {blame.file}{who(blame)}"


def _differs(blame: Blame | None, cause: Cause | None) -> bool:
    """True if the headline names somebody else."""
    if blame is None or cause is None:
        return False
    return (blame.commit, blame.uncommitted) != (cause.commit, cause.uncommitted)


def _live_address(change: Change) -> str:
    return change.previous_address or change.address


def _place(field: FieldChange) -> tuple[str, str]:
    if field.origin is None:
        return "", ""
    file, line, _ = field.origin.rsplit(":", 2)
    return file, line
