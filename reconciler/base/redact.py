"""Hides secret values in text, in bytes and in streams of lines. Knows no references.

What is looked for stands in `spellings`, and is found by `sought`: as it stands, and as a person
would see it, with terminal sequences and control characters between its letters (`invisible`),
with its characters written as numbers (`escapes`), and broken over lines by an encoder or a dump
(`rows`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from reconciler.base import escapes
from reconciler.base.dumps import holds_dumps
from reconciler.base.invisible import finished, holds_invisible, settled, shown, visible
from reconciler.base.rows import dumped, endings, joined, pieces
from reconciler.base.sought import sought
from reconciler.base.spellings import Shared, to_bytes

MASK = b"***"
LONGEST_LINE = 64 * 1024
_BASE64_LETTERS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")
Span = tuple[int, int]


class Redactor:
    """Masks a fixed set of values. No printed form of it shows them."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._sought = sought(values)
        self.reach = self._sought.reach
        self.breaks = self._sought.breaks

    def __repr__(self) -> str:
        return "Redactor(***)"

    def data(self, data: bytes) -> bytes:
        """The data with every secret replaced by `***`."""
        masked, _ = _cover(data, self.spans(data), len(data))
        return masked

    def text(self, text: str) -> str:
        """The text with every secret replaced by `***`."""
        if self._sought.machine is None:
            return text
        data = to_bytes(text)
        masked = self.data(data)
        return text if masked == data else masked.decode("utf-8", "surrogateescape")

    def lines(self) -> MaskedLines:
        """A new masker for one stream of output."""
        return MaskedLines(self)

    def spans(self, data: bytes) -> list[Span]:
        """(start, end) of every secret in the data, overlapping ones too."""
        if self._sought.machine is None:
            return []
        whole = joined(data)
        found = self._matches(data) if whole is None or self.breaks else []
        if whole is not None:
            for span in self._matches(whole.data):
                found += pieces(data, whole.span(*span))
        if holds_invisible(data):
            seen = shown(data)
            found += [seen.span(*span) for span in self._matches(seen.data)]
        if (read := escapes.unescaped(data, self._sought.letters)) is not None:
            found += [read.span(*span) for span in self._matches(read.data)]
        return [*found, *dumped(data, self._matches)] if holds_dumps(data) else found

    def unsettled(self, lines: list[bytes]) -> tuple[int, int]:
        """How a secret may go on after some lines: (first, context).

        `first` is the number of the first line that may hold the beginning of one; from number
        `context` on, lines are needed to see the rest of one. Both are the count if there is none.
        """
        first = context = len(lines)
        if self._sought.machine is None or not lines:
            return first, context
        for told, begins in endings(lines, self._sought.longest):
            context = min(context, len(lines) - len(begins))
            start = self._beginning(told)
            if start is not None:
                row = bisect_right(begins, start) - 1
                first = min(first, len(lines) - len(begins) + row)
        return first, context

    def _beginning(self, told: bytes) -> int | None:
        """Where a form begins that goes on behind the end, None if none does."""
        machine, heads = self._sought.heads
        begin = max(len(told) - self._sought.longest, 0)
        for _, start, end in machine.find_matches_as_indexes(told[begin:], overlapping=True):
            rest = told[begin + start :]
            if any(form.startswith(rest) for form in heads[rest[: end - start]]):
                return int(begin + start)
        return None

    def _matches(self, data: bytes) -> list[Span]:
        found = self._sought.machine.find_matches_as_indexes(data, overlapping=True)
        shared = self._sought.shared
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
    """Cuts a byte stream into masked lines. A line over 64 kB comes in several pieces.

    A line at whose end a secret may begin that goes on in the next one is held back until that.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._stream = _Stream(redactor)
        self._raw = b""
        self._ready = b""
        self._known: list[bytes] = []  # lines that were handed on, and the rest of a secret needs
        self._kept: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[tuple[bytes, bool]]:
        """(line, more): `more` says that the next item goes on in the same line."""
        *whole, self._raw = (self._raw + chunk).split(b"\n")
        if whole and self._goes_on():
            yield from self._line(whole.pop(0))
        if max(map(len, whole), default=0) <= LONGEST_LINE:
            yield from self._settled(whole)
        else:
            for line in whole:
                if len(line) > LONGEST_LINE:
                    yield from self._release()
                    yield from self._line(line)
                else:
                    yield from self._settled([line])
        if len(self._raw) > LONGEST_LINE:
            yield from self._release()
            self._ready += self._stream.feed(self._raw)
            self._raw = b""
            yield from self._long_pieces()

    def _goes_on(self) -> bool:
        """True if the beginning of the line was handed on already."""
        return bool(self._ready) or self._stream.holds or self._stream.covers

    def _settled(self, new: list[bytes]) -> Iterator[tuple[bytes, bool]]:
        """Those of the kept and the new lines of which nothing depends on what comes."""
        if not new:
            return
        lines, known = [*self._known, *self._kept, *new], len(self._known)
        masked = self._masked(lines)
        first, context = self._redactor.unsettled(lines)
        first = max(first, known)
        self._known, self._kept = lines[context:first], lines[first:]
        yield from ((line.removesuffix(b"\r"), False) for line in masked[known:first])

    def _release(self) -> Iterator[tuple[bytes, bool]]:
        """The kept lines, where none follows that could go on with them."""
        masked = self._masked([*self._known, *self._kept])[len(self._known) :] if self._kept else []
        self._known, self._kept = [], []
        yield from ((line.removesuffix(b"\r"), False) for line in masked)

    def _masked(self, lines: list[bytes]) -> list[bytes]:
        """Whole lines, masked with one look at all of them. Each is masked for itself."""
        data = b"\n".join(lines)
        spans = self._redactor.spans(data)
        if self._redactor.breaks:
            spans = [span for span in spans if data.find(b"\n", *span) < 0]
        return _cover(data, spans, len(data))[0].split(b"\n") if spans else lines

    def flush(self) -> Iterator[tuple[bytes, bool]]:
        """What is left when the stream has ended."""
        if self._goes_on():
            yield from self._line(self._raw)
        elif self._raw:
            yield from self._settled([self._raw])
        yield from self._release()
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
