"""The one exception inside this package, and the places it names. Shows nothing by itself."""

from __future__ import annotations


class Fault(Exception):
    """A text that cannot be read any further. `line` and `column` count from 1 in that text."""

    def __init__(
        self,
        message: str,
        line: int = 1,
        column: int = 1,
        *,
        fix: str | None = None,
        found: str | None = None,
        allowed: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message, self.line, self.column = message, line, column
        self.fix, self.found, self.allowed = fix, found, allowed
        self.others: tuple[Fault, ...] = ()  # found in the same text after this one


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column, from 1, of a character of a text."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
