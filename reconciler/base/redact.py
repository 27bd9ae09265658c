"""Hides secret values in text, in bytes and in streams of lines. Knows no references.

What is looked for stands in `spellings`. It is found as it stands, and as a person would see it:
with terminal sequences and control characters between its letters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from reconciler.base.invisible import Visible, finished, holds_invisible, settled, visible
from reconciler.base.spellings import Shared, shared_letters, to_bytes, variants

MASK = b"***"
LONGEST_LINE = 64 * 1024
_BASE64_LETTERS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")
Span = tuple[int, int]


class Redactor:
    """Masks a fixed set of values. The values are not kept in a readable attribute."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        values = list(values)
        forms = sorted(set().union(*(variants(value) for value in values)))
        # How many bytes can stand before the last one of a secret. Base64 with the letters beside
        # it has at most two for each byte of a value, as hexadecimal has.
        self.reach = max(map(len, forms), default=1) - 1
        # Whether a form can lie on more than one line.
        self.breaks = any(b"\n" in form for form in forms)
        shared = shared_letters(values)
        self._shared = [shared.get(form) for form in forms]
        self._machine = _machine(forms)

    def __repr__(self) -> str:
        return "Redactor(***)"

    def data(self, data: bytes) -> bytes:
        """The data with every secret replaced by `***`."""
        masked, _ = _cover(data, self.spans(data), len(data))
        return masked

    def text(self, text: str) -> str:
        """The text with every secret replaced by `***`."""
        if self._machine is None:
            return text
        data = to_bytes(text)
        masked = self.data(data)
        return text if masked == data else masked.decode("utf-8", "surrogateescape")

    def lines(self) -> MaskedLines:
        """A new masker for one stream of output."""
        return MaskedLines(self)

    def spans(self, data: bytes) -> list[Span]:
        """(start, end) of every secret in the data, overlapping ones too."""
        if self._machine is None:
            return []
        found = self._matches(data)
        if holds_invisible(data):
            shown = Visible(data)
            found += [shown.span(*span) for span in self._matches(shown.data)]
        return found

    def _matches(self, data: bytes) -> list[Span]:
        found = self._machine.find_matches_as_indexes(data, overlapping=True)
        shared = self._shared
        return [
            (start, end) if shared[form] is None else _widened(data, start, end, shared[form])
            for form, start, end in found
        ]


def _widened(data: bytes, start: int, end: int, shared: Shared | None) -> Span:
    """A form of base64 with the letters that hold bits of the value, and the padding."""
    before, after = shared or (False, False)
    if before and start and data[start - 1] in _BASE64_LETTERS:
        start -= 1
    if after and end < len(data) and data[end] in _BASE64_LETTERS:
        end += 1
    padding = data[end : end + 2]
    return start, end + len(padding) - len(padding.lstrip(b"="))


def _machine(forms: list[bytes]) -> Any:
    if not forms:
        return None
    # Late: only a run with secrets needs the library.
    from ahocorasick_rs import BytesAhoCorasick, MatchKind  # noqa: PLC0415

    return BytesAhoCorasick(forms, matchkind=MatchKind.Standard)


def _cover(data: bytes, spans: list[Span], end: int) -> tuple[bytes, int]:
    """Data up to `end` with the spans masked, and how many bytes after `end` are still secret."""
    out, at = [], 0
    for start, stop in _merged(spans):
        if start >= end:
            break
        # A span at 0 that began in the chunk before (`start` is -1) already has its mask.
        out += [data[at : max(start, 0)], b"" if start < 0 else MASK]
        at = stop
    out.append(data[at:end])
    return b"".join(out), max(at - end, 0)


def _merged(spans: list[Span]) -> Iterator[Span]:
    current: Span | None = None
    for start, stop in sorted(spans):
        if current is None or start > current[1]:
            if current is not None:
                yield current
            current = (start, stop)
        else:
            current = (current[0], max(current[1], stop))
    if current is not None:
        yield current


class _Stream:
    """Masks one stream that arrives in chunks; holds back what could be the start of a secret."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = b""
        self._covered = 0

    @property
    def holds(self) -> bool:
        return bool(self._held)

    @property
    def covers(self) -> bool:
        return self._covered > 0

    def feed(self, chunk: bytes) -> bytes:
        self._held += chunk
        out = self._release(settled(self._held, self._redactor.reach))
        if len(self._held) > LONGEST_LINE + self._redactor.reach:
            self._shorten()
        return out

    def _shorten(self) -> None:
        """Drop what is not shown: no flood of sequences takes all memory, or parts a secret."""
        end = finished(self._held)
        self._covered = len(visible(self._held[: self._covered]))
        self._held = visible(self._held[:end]) + self._held[end:]

    def flush(self) -> bytes:
        return self._release(len(self._held))

    def _release(self, end: int) -> bytes:
        if end <= 0:
            return b""
        spans = self._redactor.spans(self._held)
        if self._covered:
            spans.append((-1, self._covered))
        out, self._covered = _cover(self._held, spans, end)
        self._held = self._held[end:]
        return out


class MaskedLines:
    """Cuts a byte stream into masked lines. A line over 64 kB comes in several pieces."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._stream = _Stream(redactor)
        self._raw = b""
        self._ready = b""

    def feed(self, chunk: bytes) -> Iterator[tuple[bytes, bool]]:
        """(line, more): `more` says that the next item goes on in the same line."""
        *whole, self._raw = (self._raw + chunk).split(b"\n")
        if whole and self._goes_on():
            yield from self._line(whole.pop(0))
        if max(map(len, whole), default=0) <= LONGEST_LINE:
            yield from ((line.removesuffix(b"\r"), False) for line in self._masked(whole))
        else:
            for line in whole:
                yield from self._line(line)
        if len(self._raw) > LONGEST_LINE:
            self._ready += self._stream.feed(self._raw)
            self._raw = b""
            yield from self._long_pieces()

    def _goes_on(self) -> bool:
        """True if the beginning of the line was handed on already."""
        return bool(self._ready) or self._stream.holds or self._stream.covers

    def _masked(self, lines: list[bytes]) -> list[bytes]:
        """Whole lines, masked with one look at all of them. Each is masked for itself."""
        data = b"\n".join(lines)
        spans = self._redactor.spans(data)
        if self._redactor.breaks:
            spans = [span for span in spans if data.find(b"\n", *span) < 0]
        return _cover(data, spans, len(data))[0].split(b"\n") if spans else lines

    def flush(self) -> Iterator[tuple[bytes, bool]]:
        """What is left when the stream has ended."""
        if self._raw or self._ready or self._stream.holds:
            yield from self._line(self._raw)
            self._raw = b""

    def _line(self, line: bytes) -> Iterator[tuple[bytes, bool]]:
        self._ready += self._stream.feed(line) + self._stream.flush()
        self._stream = _Stream(self._redactor)
        yield from self._long_pieces()
        yield self._ready.removesuffix(b"\r"), False
        self._ready = b""

    def _long_pieces(self) -> Iterator[tuple[bytes, bool]]:
        while len(self._ready) > LONGEST_LINE:
            yield self._ready[:LONGEST_LINE], True
            self._ready = self._ready[LONGEST_LINE:]
