"""Problems in user files: collected and shown together, each with file:line:column and a fix."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a diagnostic is. Only an error changes the exit code."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


# The code of a warning of what nothing can hold: no fault of a file, and told by plans too.
NOT_HELD = "not-held"


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file. Lines and columns count from 1; `file` is relative to the workspace."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem: where, what is wrong, what was found, what is allowed, how to fix it.

    `found` never holds a secret: who makes a diagnostic about a secret field leaves it out.
    """

    message: str
    location: Location | None = None
    severity: Severity = Severity.ERROR
    code: str = "invalid"
    task: str | None = None
    rule: str | None = None
    found: str | None = None
    allowed: str | None = None
    fix: str | None = None


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """True if any of them is an error."""
    return any(item.severity is Severity.ERROR for item in diagnostics)


def sort_key(item: Diagnostic) -> tuple[Location, str]:
    """Order for people: by file, line, column, then text; those without a place first."""
    return item.location or Location("", 0, 0), item.message
