"""How much one rendering may do and write, and its faults at their place. Evaluates nothing."""

from __future__ import annotations

from typing import Any

from reconciler.taskfile.faults import Fault, place
from reconciler.taskfile.template.functions.kit import MAX_TEXT
from reconciler.taskfile.template.govalues import SecretText, measure

MAX_WORK = 200_000
ITEMS_PER_WORK = 64
_CHARACTERS_PER_WORK = 256  # a function pays for the texts it is given


class Bounds:
    """What is left of the work and the length of one rendering; offsets are those of `text`."""

    def __init__(self, text: str) -> None:
        self._text, self._work, self._length = text, MAX_WORK, 0

    @property
    def spent(self) -> bool:
        """True if no work is left."""
        return self._work < 0

    def fault(self, offset: int, message: str, fix: str | None = None) -> Fault:
        """A fault at a character of the text."""
        return Fault(f"template: {message}", *place(self._text, offset), fix=fix)

    def spend(self, offset: int, work: int = 1) -> None:
        """Take this from the work. Raises Fault if there is none left."""
        self._work -= work
        if self.spent:
            raise self.fault(offset, "this takes too much work", "repeat less")

    def lengthen(self, offset: int, characters: int) -> None:
        """Count what is written. Raises Fault if it is too much."""
        self._length += characters
        if self._length > MAX_TEXT:
            raise self.fault(offset, f"the text gets longer than {MAX_TEXT:,} characters")


def weight(value: Any) -> int:
    """The work of looking at all of a value. Raises ValueFault if it is too big."""
    if isinstance(value, SecretText):
        value = value.value
    if isinstance(value, str):
        return len(value) // _CHARACTERS_PER_WORK
    return measure(value) // ITEMS_PER_WORK
