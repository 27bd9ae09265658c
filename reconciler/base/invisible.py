"""What a terminal does not show: escape sequences and control characters. Knows no secrets.

Who shows text and who looks for secrets in it must cut the same sequences: a letter that only one
of them takes for a part of a sequence would join, or part, what the other one has seen. Source of
the sequences: ECMA-48, 5.4 and 5.6, and ECMA-35, 13.2 (an escape with one letter is left: it is
shown); the `BEL` at the end of a title is xterm's.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property

# No sequence is longer: a beginning without an end does not hide what follows it.
_LONGEST = 4200
_PARAMETERS = r"\[[0-?]{0,64}+[ -/]{0,8}+"
_STRING = r"[\]PX^_][^\x00-\x1f\x7f]{0,4096}+"
_AFTER_ESCAPE = rf"{_PARAMETERS}[@-~]|{_STRING}(?:\x07|\x1b\\)|[ -/]{{1,8}}+[0-~]"
_SEQUENCES = re.compile(rf"\x1b(?:{_AFTER_ESCAPE})".encode())
# Tab, line feed and carriage return move what follows: they part words as a blank does.
_CONTROLS = bytes([*range(9), 11, 12, *range(14, 32), 127])
# What there is most of comes first, and begins with the class: that is quickest to look for.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
    rf"(?:\[(?<=\x1b\[)[0-?]{{0,64}}[ -/]{{0,8}}[@-~]|(?<=\x1b)(?:{_AFTER_ESCAPE}))?".encode()
)
_UNFINISHED = re.compile(rf"\x1b(?:{_PARAMETERS}|{_STRING}\x1b?|[ -/]{{0,8}}+)\Z".encode())


def holds_invisible(data: bytes) -> bool:
    """True if anything in the data is not shown."""
    return len(data.translate(None, _CONTROLS)) != len(data)


def without_sequences(data: bytes) -> bytes:
    """The data without escape sequences; other control characters stay."""
    return _SEQUENCES.sub(b"", data)


def visible(data: bytes) -> bytes:
    """The data without what is not shown."""
    return _INVISIBLE.sub(b"", data) if holds_invisible(data) else data


def settled(data: bytes, reach: int) -> int:
    """Where the last `reach` visible bytes of data that goes on begin, or 0.

    A sequence at the end that may go on is not counted. No sequence is cut in two there.
    """
    if not reach or not holds_invisible(data):
        return max(len(data) - reach, 0)
    whole = Visible(data[: finished(data)])
    count = len(whole.data) - reach
    return whole.place(count) if count > 0 else 0


def finished(data: bytes) -> int:
    """Where the sequence begins that the data breaks off in; its length if there is none."""
    found = _UNFINISHED.search(data, max(len(data) - _LONGEST, 0))
    return found.start() if found else len(data)


class Visible:
    """What is shown of some bytes (`data`), and where it stood in them."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self.data = b"".join(_INVISIBLE.split(raw))  # quicker than to replace it by nothing

    @cached_property
    def _cuts(self) -> tuple[list[int], list[int]]:
        """Where something was cut, as places in `data`; how many bytes were cut until there."""
        places, counts, count = list[int](), [0], 0
        for match in _INVISIBLE.finditer(self._raw):
            places.append(match.start() - count)
            count += match.end() - match.start()
            counts.append(count)
        return places, counts

    def place(self, at: int) -> int:
        """Where the visible byte number `at` stood."""
        places, counts = self._cuts
        return at + counts[bisect_right(places, at)]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where visible bytes stood, with what is cut between them."""
        return self.place(start), self.place(end - 1) + 1
