"""Lines of `xxd`, `hexdump` and `od`, read back to the bytes that they show. Knows no secrets.

Source: the tools' own output: addresses in front, bytes alone or in groups, in hexadecimal, octal
or as characters, and the text beside them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

Place = tuple[int, int]
_LONGEST = 500  # bytes of a line; what is longer is none of a dump

_HEX = rb"[0-9a-f]"
_XXD = re.compile(rb"%b{8}: ((?:%b{2,32} )+) *" % (_HEX, _HEX))
_PIPED = re.compile(rb"%b{7,8} ((?: {1,2}%b{2})+) *\|(.*)\|" % (_HEX, _HEX))
_BYTES = re.compile(rb"%b{6,8} ?((?: %b{2})+)(?: *>(.*)<)? *" % (_HEX, _HEX))
_WORDS = re.compile(rb"%b{6,8} ?((?: +%b{4})+) *" % (_HEX, _HEX))
_OCTAL_WORDS = re.compile(rb"[0-7]{7}((?: [0-7]{6})+) *")
_OCTALS = re.compile(rb"%b{6,8}((?: [0-7]{3})+) *" % _HEX)
_CHARACTERS = re.compile(rb"%b{6,8}((?: (?:  [ -~]|[ ]\\[0abfnrtv\\]|[0-7]{3}))+) *" % _HEX)
_BEGINNING = re.compile(rb"%b{6,8}:? " % _HEX)
_BEGINNINGS = re.compile(rb"\n%b{6,8}:? " % _HEX)
_PAIR = re.compile(rb"%b{2}" % _HEX)
_DIGITS = re.compile(rb"[0-9a-f]+")
_NAMED = {b"0": 0, b"a": 7, b"b": 8, b"f": 12, b"n": 10, b"r": 13, b"t": 9, b"v": 11, b"\\": 92}


@dataclass(frozen=True, slots=True)
class Strand:
    """Bytes of one line in one spelling; `places` gives where each of them stands in it."""

    kind: str
    data: bytes
    places: Callable[[], list[Place]]


def dump_line(line: bytes) -> bool:
    """True if the line could be one of a dump."""
    return len(line) <= _LONGEST and _BEGINNING.match(line) is not None


def holds_dumps(data: bytes) -> bool:
    """True if a line of the data could be one of a dump."""
    return _BEGINNING.match(data) is not None or _BEGINNINGS.search(data) is not None


def strands(line: bytes) -> list[Strand]:
    """What the line shows, once for each spelling; nothing if it is no line of a dump."""
    line = line.removesuffix(b"\r")
    if found := _XXD.match(line):
        shown = _pairs("xxd", line, found.span(1))
        return [shown, _text(line, len(line) - len(shown.data), len(line))]
    for pattern, kind in ((_PIPED, "piped"), (_BYTES, "bytes")):
        if found := pattern.fullmatch(line):
            text = [_text(line, *found.span(2))] if found[2] is not None else []
            return [_pairs(kind, line, found.span(1)), *text]
    # What the same digits mean depends on the tool: each meaning is looked at.
    made = []
    if found := _WORDS.fullmatch(line):
        made.append(_words("words", line, found.span(1), 16))
    if found := _OCTAL_WORDS.fullmatch(line):
        made.append(_words("octal words", line, found.span(1), 8))
    if found := _CHARACTERS.fullmatch(line):
        made.append(_characters(line, found.span(1)))
    if found := _OCTALS.fullmatch(line):
        made.append(_words("octals", line, found.span(1), 8, size=1))
    return made


def _pairs(kind: str, line: bytes, span: Place) -> Strand:
    data = bytes.fromhex(line[slice(*span)].decode())
    return Strand(kind, data, lambda: [found.span() for found in _PAIR.finditer(line, *span)])


def _text(line: bytes, start: int, end: int) -> Strand:
    start = max(start, 0)
    return Strand("text", line[start:end], lambda: [(at, at + 1) for at in range(start, end)])


def _words(kind: str, line: bytes, span: Place, base: int, size: int = 2) -> Strand:
    """Words of two bytes, the lower one first, as on nearly every machine."""
    words = _DIGITS.findall(line, *span)
    most = 256**size - 1
    data = b"".join(min(int(word, base), most).to_bytes(size, "little") for word in words)

    def places() -> list[Place]:
        return [found.span() for found in _DIGITS.finditer(line, *span) for _ in range(size)]

    return Strand(kind, data, places)


def _characters(line: bytes, span: Place) -> Strand:
    cells = [line[at + 1 : at + 4] for at in range(*span, 4)]
    return Strand(
        "characters",
        bytes(map(_character, cells)),
        lambda: [(at + 1, at + 4) for at in range(*span, 4)],
    )


def _character(cell: bytes) -> int:
    if cell.startswith(b" \\"):
        return _NAMED[cell[2:]]
    return cell[2] if cell.startswith(b"  ") else int(cell, 8) & 0xFF
