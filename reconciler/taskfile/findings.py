"""Collects what is wrong in one task file; knows which manner makes a doubt an error."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Protocol, TypedDict, Unpack

from reconciler.base.diagnostics import Diagnostic, Location, Severity, has_errors
from reconciler.base.text import did_you_mean, one_line
from reconciler.taskfile.faults import Fault
from reconciler.taskfile.inputs import Manner

CODE = "taskfile"
_MOST = 200  # a generated file with more problems than this has one problem


class Place(Protocol):
    """Anything that stands somewhere in the text."""

    @property
    def line(self) -> int:
        """The line, from 1."""

    @property
    def column(self) -> int:
        """The column, from 1."""


class Details(TypedDict, total=False):
    """What else a diagnostic says."""

    found: str | None
    allowed: str | None
    fix: str | None


class Findings:
    """The problems of one text. `locate` gives the source's place of a line and column of it.

    `hide` replaces what stands for a secret, so that no message can show one.
    """

    def __init__(
        self,
        manner: Manner,
        locate: Callable[[int, int], Location],
        hide: Callable[[str], str] = str,
    ) -> None:
        self.manner = manner
        self.items: list[Diagnostic] = []
        self.locate = locate
        self._hide = hide

    @property
    def strict(self) -> bool:
        """True if doubtful things are refused."""
        return self.manner is Manner.STRICT

    @property
    def refused(self) -> bool:
        """True if there is an error."""
        return has_errors(self.items)

    def look_at(self, locate: Callable[[int, int], Location]) -> None:
        """From now on lines and columns are those of another text."""
        self.locate = locate

    def error(self, at: Place, message: str, **details: Unpack[Details]) -> None:
        """Note an error in either manner."""
        self._note(Severity.ERROR, at, message, details)

    def warn(self, at: Place, message: str, **details: Unpack[Details]) -> None:
        """Note a warning in either manner."""
        self._note(Severity.WARNING, at, message, details)

    def doubt(self, at: Place, message: str, **details: Unpack[Details]) -> None:
        """An error when reading strictly; a warning when reading as ACR's engine does."""
        severity = Severity.ERROR if self.strict else Severity.WARNING
        self._note(severity, at, message, details)

    def passed_over(self, fault: Fault) -> None:
        """Warn of what ACR's engine passes over in silence."""
        self.warn(fault, fault.message, fix=fault.fix)

    def fault(self, fault: Fault) -> None:
        """Note what stopped a reader."""
        details = Details(found=fault.found, allowed=fault.allowed, fix=fault.fix)
        self._note(Severity.ERROR, fault, fault.message, details)
        for other in fault.others:
            self.fault(other)

    def suggestion(self, word: str, known: Iterable[str]) -> str | None:
        """`did you mean "x"?`, None if nothing known is near or nobody would read it."""
        if len(self.items) >= _MOST:
            return None
        near = did_you_mean(word[:100], islice(known, _MOST))
        return f'did you mean "{near}"?' if near else None

    def _note(self, severity: Severity, at: Place, message: str, details: Details) -> None:
        # Too many warnings must not hide that there is an error.
        if len(self.items) >= _MOST and (severity is not Severity.ERROR or self.refused):
            return
        item = Diagnostic(
            self._shown(message, 300) or "",
            self.locate(at.line, at.column),
            severity,
            CODE,
            found=self._shown(details.get("found"), 120),
            allowed=self._shown(details.get("allowed"), 300),
            fix=self._shown(details.get("fix"), 200),
        )
        if item not in self.items:
            self.items.append(item)

    def _shown(self, text: str | None, width: int) -> str | None:
        return None if text is None else one_line(self._hide(text), width)
