"""A text that was made from a file, with the file's line for each of its lines. Reads nothing."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Traced:
    """`lines[i]` is the line of the source, from 1, that line i of the text came from."""

    text: str
    lines: tuple[int, ...]

    def source_line(self, line: int) -> int:
        """The source's line of a line of the text, both from 1; the nearest one outside of it."""
        return self.lines[min(max(line, 1), len(self.lines)) - 1]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a new text. `offset` is where it came from; `copied`: character by character."""

    text: str
    offset: int
    copied: bool


def untouched(text: str) -> Traced:
    """A text that is its own source."""
    return Traced(text, tuple(range(1, text.count("\n") + 2)))


def rebuilt(source: Traced, pieces: Iterable[Piece]) -> Traced:
    """The text of the pieces, traced through the text they were made from."""
    starts = [0]
    while (end := source.text.find("\n", starts[-1])) >= 0:
        starts.append(end + 1)
    parts: list[str] = []
    lines: list[int] = []
    begun = False  # whether the line that the pieces are in has its source line
    for piece in pieces:
        if not piece.text:
            continue
        parts.append(piece.text)
        first = bisect_right(starts, piece.offset)
        breaks = piece.text.count("\n")
        if not begun:
            lines.append(source.source_line(first))
        moves = range(1, breaks + 1) if piece.copied else [0] * breaks
        lines += [source.source_line(first + move) for move in moves]
        # A line that has only just been started belongs to what is written into it.
        begun = not piece.text.endswith("\n")
        if not begun:
            lines.pop()
    if not begun:
        lines.append(source.source_line(len(source.lines)) if not lines else lines[-1])
    return Traced("".join(parts), tuple(lines))


def source_column(source_line: str, line: str, column: int) -> int:
    """The column in the source's line: exact up to the first character that differs."""
    limit = min(len(source_line), len(line), column - 1)
    for at in range(limit):
        if source_line[at] != line[at]:
            return at + 1
    return min(limit, column - 1) + 1
