"""Lines that go on in the next one, as encoders and dumps break them: what they say together.

A line break that `base64`, `xxd` or `fold` writes stands anywhere in a value. A piece of less than
four bytes at the end of a line is left: it is handed on before anybody knows how it goes on.
Knows no secrets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from reconciler.base.dumps import Strand, dump_line, strands
from reconciler.base.rewritten import Rewritten, cut

SHORTEST_PIECE = 4
Span = tuple[int, int]
Matches = Callable[[bytes], list[Span]]

_LETTERS = "[A-Za-z0-9+/_-]"
_MARGIN = 200  # blanks before a line that goes on
_ROW = 16  # letters at the end of a line from which on it may go on in the next one
_GOES_ON = rf"[ \t]{{0,{_MARGIN}}}(?={_LETTERS})"
# Begins with the letter itself: that is quickest to look for.
_JOINT = re.compile(rf"\n(?<={_LETTERS}{{{_ROW}}}\n){_GOES_ON}".encode())
_CRLF_JOINT = re.compile(rf"\r\n(?<={_LETTERS}{{{_ROW}}}\r\n){_GOES_ON}".encode())
_END = re.compile(rf"{_LETTERS}{{{_ROW}}}\r?\Z".encode())


def joined(data: bytes) -> Rewritten | None:
    """The data without the line breaks that an encoder may have written, None if there are none."""
    joint = _CRLF_JOINT if b"\r\n" in data else _JOINT
    return cut(data, joint) if joint.search(data) else None


def pieces(data: bytes, span: Span) -> Iterator[Span]:
    """The parts of a span of the data, line by line."""
    start, end = span
    while (at := data.find(b"\n", start, end)) >= 0:
        stop = at - 1 if data[at - 1 : at] == b"\r" else at
        if stop - start >= SHORTEST_PIECE:
            yield start, stop
        start = at + 1
        start += len(data[start:end]) - len(data[start:end].lstrip(b" \t"))
    if start < end:
        yield start, end


def dumped(data: bytes, matches: Matches) -> Iterator[Span]:
    """Where dumps in the data show what is looked for."""
    runs: dict[str, _Run] = {}
    at = 0
    for line in data.split(b"\n"):
        found = {strand.kind: strand for strand in strands(line)} if dump_line(line) else {}
        for kind in [kind for kind in runs if kind not in found]:
            yield from runs.pop(kind).spans(matches)
        for kind, strand in found.items():
            runs.setdefault(kind, _Run()).add(strand, at)
        at += len(line) + 1
    for run in runs.values():
        yield from run.spans(matches)


class _Run:
    """Lines of one dump, one after the other."""

    def __init__(self) -> None:
        self._rows: list[tuple[Strand, int]] = []

    def add(self, strand: Strand, at: int) -> None:
        self._rows.append((strand, at))

    def spans(self, matches: Matches) -> Iterator[Span]:
        found = matches(b"".join(strand.data for strand, _ in self._rows))
        if found:
            begins = 0
            for strand, at in self._rows:
                length = len(strand.data)
                for start, end in found:
                    yield from _in_row(strand, at, start - begins, end - begins)
                begins += length


def _in_row(strand: Strand, at: int, start: int, end: int) -> Iterator[Span]:
    """What of a find stands in a row; `start` and `end` are counted from the row's first byte."""
    goes_on, start, stop = end > len(strand.data), max(start, 0), min(end, len(strand.data))
    if start < stop and (not goes_on or stop - start >= SHORTEST_PIECE):
        places = strand.places()[start:stop]
        yield at + places[0][0], at + places[-1][1]


# ------------------------------------------------------------------- streams
def endings(lines: list[bytes], reach: int) -> Iterator[tuple[bytes, list[int]]]:
    """What the last lines say together, as far as `reach` bytes back, in each way to read them.

    With the place at which each of these lines begins in it. Nothing if the last one ends there.
    """
    if _END.search(lines[-1][-_ROW - 1 :]):
        yield _told(_wrapped(lines), reach)
    if dump_line(lines[-1]):
        for strand in strands(lines[-1]):
            yield _told(_shown(lines, strand.kind), reach)


def _wrapped(lines: list[bytes]) -> Iterator[bytes]:
    """From the last line back, without the blanks in front."""
    following = lines[-1]
    for line in reversed(lines[:-1]):
        if joined(line[-_ROW - 1 :] + b"\n" + following[:_MARGIN]) is None:
            break
        yield following.lstrip(b" \t").rstrip(b"\r")
        following = line
    yield following.rstrip(b"\r")


def _shown(lines: list[bytes], kind: str) -> Iterator[bytes]:
    for line in reversed(lines):
        found = strands(line) if dump_line(line) else []
        same = next((strand.data for strand in found if strand.kind == kind), None)
        if same is None:
            return
        yield same


def _told(rows: Iterator[bytes], reach: int) -> tuple[bytes, list[int]]:
    taken: list[bytes] = []
    length = 0
    for row in rows:
        taken.insert(0, row)
        length += len(row)
        if length >= reach:
            break
    begins = [0]
    for row in taken[:-1]:
        begins.append(begins[-1] + len(row))
    return b"".join(taken), begins
