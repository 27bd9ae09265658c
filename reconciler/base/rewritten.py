"""Bytes with pieces of them cut or read differently, and where each stood. Knows no secrets."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from functools import cached_property

# (start, end, what is read in its place); none begins before the one before it has ended.
Edit = tuple[int, int, bytes]


class Rewritten:
    """Some bytes after edits (`data`). The edits are counted only if anybody asks for a place."""

    def __init__(self, data: bytes, edits: Callable[[], Iterable[Edit]]) -> None:
        self.data, self._edits = data, edits

    @cached_property
    def _pieces(self) -> tuple[list[int], list[int], list[int]]:
        """By piece: where it begins here, and there; where one that is edited ends there, or -1."""
        here, there, ends = [0], [0], [-1]
        length = at = 0
        for start, end, new in self._edits():
            length += start - at
            for place, ended, size in ((start, end, len(new)), (end, -1, 0)):
                if size or ended < 0:
                    here.append(length)
                    there.append(place)
                    ends.append(ended)
                length += size
            at = end
        return here, there, ends

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where bytes stood, with all that was cut between them."""
        here, there, ends = self._pieces
        first, last = bisect_right(here, start) - 1, bisect_right(here, end - 1) - 1
        begin = there[first] + (start - here[first] if ends[first] < 0 else 0)
        return begin, ends[last] if ends[last] >= 0 else there[last] + end - here[last]


def cut(raw: bytes, pattern: re.Pattern[bytes]) -> Rewritten:
    """The bytes without what a pattern without groups finds."""
    data = b"".join(pattern.split(raw))  # quicker than to replace it by nothing
    return Rewritten(data, lambda: ((*match.span(), b"") for match in pattern.finditer(raw)))
