"""Masks the plain output of BuildKit, whose lines say which vertex wrote them, and when.

`#5 0.286 text`: of the vertex 5, 0.286 seconds after it began; buildx repeats the last lines of a
vertex that failed as `0.286 text`. A dump or an encoder that runs there breaks a secret over lines
that are only seen to belong together without that prefix, and lines of other vertices come
between them. Other output goes through as if nothing of this were here.
Source: https://github.com/moby/buildkit/blob/v0.12.0/util/progress/progressui/printer.go
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from itertools import groupby

from reconciler.base.redact import MaskedLines, Redactor

_PREFIX = re.compile(rb"(?:#(\d{1,9}) )?\d{1,9}\.\d{1,3} ")
_ANY_PREFIX = re.compile(rb"^(?:#\d{1,9} )?\d{1,9}\.\d{1,3} ", re.MULTILINE)
# Letters of a line from which on it is known whether it has a prefix.
_LONGEST_PREFIX = 32
_BEGINS = frozenset(b"#0123456789")
# Of so many vertices the lines that may go on are kept; a build has fewer that write.
_MOST = 256


class MaskedProgress:
    """Cuts a byte stream into masked lines, as `MaskedLines` does, with a row for each vertex.

    Lines of one vertex stay in their order. One that is held back, for a secret may begin in it,
    comes after lines of others.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._plain = redactor.lines()
        self._vertices: dict[bytes, _Vertex] = {}
        self._current: bytes | None = None  # whose line is not over
        self._inside = False  # a line has begun and is not over
        self._begin = b""

    def feed(self, chunk: bytes) -> Iterator[tuple[bytes, bool]]:
        """(line, more): `more` says that the next item goes on in the same line."""
        data, self._begin = self._begin + chunk, b""
        if self._inside:
            end = data.find(b"\n") + 1 or len(data)
            self._inside = not data[:end].endswith(b"\n")
            yield from self._feed(self._current, [(b"", data[:end])])
            data = data[end:]
        if data:
            yield from self._lines(data)

    def _lines(self, data: bytes) -> Iterator[tuple[bytes, bool]]:
        """Take data that begins with a line."""
        last = data[data.rfind(b"\n") + 1 :]
        if last and len(last) < _LONGEST_PREFIX and last[0] in _BEGINS:
            data, self._begin, last = data[: -len(last)], last, b""
        if not data:
            return
        if _ANY_PREFIX.search(data) is None:
            self._current, self._inside = None, bool(last)
            yield from self._feed(None, [(b"", data)])
            return
        parted = map(_parted, _cut(data))
        for key, group in groupby(parted, key=lambda line: line[0]):
            self._current = key
            yield from self._feed(key, [(prefix, text) for _, prefix, text in group])
        self._inside = bool(last)

    def flush(self) -> Iterator[tuple[bytes, bool]]:
        """What is left when the stream has ended."""
        if self._begin:
            key, prefix, text = _parted(self._begin)
            self._begin = b""
            yield from self._feed(key, [(prefix, text)])
        for vertex in self._vertices.values():
            yield from vertex.flush()
        self._vertices.clear()
        yield from self._plain.flush()

    def _feed(
        self, key: bytes | None, lines: list[tuple[bytes, bytes]]
    ) -> Iterator[tuple[bytes, bool]]:
        if key is None:
            yield from self._plain.feed(b"".join(text for _, text in lines))
            return
        if key not in self._vertices:
            if len(self._vertices) >= _MOST:
                yield from self._vertices.pop(next(iter(self._vertices))).flush()
            self._vertices[key] = _Vertex(self._redactor)
        yield from self._vertices[key].feed(lines)


class _Vertex:
    """The lines of one vertex: masked without their prefixes, handed on with them."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._lines: MaskedLines = redactor.lines()
        self._prefixes: deque[bytes] = deque()
        self._inside = False

    def feed(self, lines: list[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bool]]:
        """Take (prefix, text); an empty prefix goes on with the line before."""
        self._prefixes += (prefix for prefix, _ in lines if prefix)
        yield from self._whole(self._lines.feed(b"".join(text for _, text in lines)))

    def flush(self) -> Iterator[tuple[bytes, bool]]:
        """What is left."""
        yield from self._whole(self._lines.flush())
        # A prefix without any text behind it.
        yield from ((prefix.rstrip(), False) for prefix in self._prefixes)
        self._prefixes.clear()

    def _whole(self, masked: Iterator[tuple[bytes, bool]]) -> Iterator[tuple[bytes, bool]]:
        for line, more in masked:
            # A secret may begin with what looks like a prefix.
            told = line if self._inside else self._redactor.data(self._prefixes.popleft() + line)
            self._inside = more
            yield told, more


def _cut(data: bytes) -> Iterator[bytes]:
    """Lines with their ends; the last one may have none."""
    *whole, rest = data.split(b"\n")
    yield from (line + b"\n" for line in whole)
    if rest:
        yield rest


def _parted(line: bytes) -> tuple[bytes | None, bytes, bytes]:
    """(vertex, prefix, text); the vertex is None for a line that no vertex wrote."""
    found = _PREFIX.match(line)
    if found is None:
        return None, b"", line
    return found[1] or b"", found[0], line[found.end() :]
