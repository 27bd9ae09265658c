"""Reads a tar from outside, entry by entry. Writes nothing, and holds no more than a small header.

The library's own reader holds a header of any size in memory, and obeys more kinds of entry than a
context has. Formats: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html (ustar,
pax), and the long names of GNU tar.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from reconciler.adapters.fetch_fault import FetchError, FetchFault
from reconciler.base.text import one_line

_BLOCK = 512
_ZEROS = bytes(_BLOCK)
_LARGEST_HEADER = 256 * 1024
_SHORT = "it ends too early"
_MOST_HEADERS = 16  # before one entry
_PAX, _PAX_GLOBAL, _OLD_PAX = b"x", b"g", b"X"
_LONG_NAME, _LONG_LINK = b"L", b"K"
_KINDS = {
    **dict.fromkeys((tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE), "file"),
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "link",
    tarfile.LNKTYPE: "name",
    tarfile.CHRTYPE: "device",
    tarfile.BLKTYPE: "device",
    tarfile.FIFOTYPE: "pipe",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: `kind` is file, folder, link, name (a second one of a file), device, pipe, other.

    `content` gives the bytes of a file; what is left of it is passed over.
    """

    name: str
    kind: str
    mode: int
    modified: int  # seconds since 1970
    link: str
    content: Callable[[], Iterator[bytes]]


class _Bytes:
    """Pieces of bytes, read by count."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, memoryview(b"")

    def some(self, most: int) -> bytes:
        """At least one byte and at most so many; none at the end."""
        while not self._rest:
            found = next(self._pieces, None)
            if found is None:
                return b""
            self._rest = memoryview(found)
        taken, self._rest = self._rest[:most], self._rest[most:]
        return bytes(taken)

    def exactly(self, count: int, complaint: str = _SHORT) -> bytes:
        """So many bytes. Raises FetchError if there are fewer."""
        found = bytearray()
        while len(found) < count:
            piece = self.some(count - len(found))
            if not piece:
                raise _damaged(complaint)
            found += piece
        return bytes(found)


def entries(pieces: Iterator[bytes]) -> Iterator[Entry]:
    """The entries of a tar in their order. Raises FetchError if it is none, or damaged."""
    source, extra, first = _Bytes(pieces), _Extra(), True
    while (block := source.exactly(_BLOCK, "it is no tar" if first else _SHORT)) != _ZEROS:
        header = _header(block, first=first)
        first = False
        if header.type in {_PAX, _PAX_GLOBAL, _OLD_PAX, _LONG_NAME, _LONG_LINK}:
            extra.take(header, _small(source, header.size))
            continue
        size = _checked(extra.size if extra.size is not None else header.size)
        yield from _one(source, header, extra, size)
        extra = _Extra()
    _check_end(source)


def _one(source: _Bytes, header: tarfile.TarInfo, extra: _Extra, size: int) -> Iterator[Entry]:
    kind = _KINDS.get(header.type, "other")
    left = size if kind in {"file", "other"} else 0
    padding = -left % _BLOCK

    def content() -> Iterator[bytes]:
        nonlocal left
        while left:
            piece = source.some(left)
            if not piece:
                raise _damaged(_SHORT)
            left -= len(piece)
            yield piece

    name = header.name if extra.name is None else extra.name
    if kind == "file" and name.endswith("/"):
        kind = "folder"  # as the oldest tars have it
    link = header.linkname if extra.link is None else extra.link
    yield Entry(name, kind, header.mode, int(header.mtime), link, content)
    for _ in content():
        pass
    source.exactly(padding)


def _header(block: bytes, *, first: bool) -> tarfile.TarInfo:
    try:
        found = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        raise _damaged("it is no tar" if first else f"it is damaged: {error}") from None
    _checked(found.size)
    return found


def _checked(size: int) -> int:
    if size < 0:
        raise _damaged("it is damaged: a size is negative")
    return size


def _small(source: _Bytes, size: int) -> bytes:
    if size > _LARGEST_HEADER:
        raise _damaged(f"a header in it has more than {_LARGEST_HEADER // 1024} KiB")
    data = source.exactly(size)
    source.exactly(-size % _BLOCK)
    return data


def _check_end(source: _Bytes) -> None:
    """Zeros follow the end, and nothing that another reader would take for more entries."""
    while piece := source.some(_BLOCK * 128):
        if piece.strip(b"\0"):
            raise _damaged("something follows its end")


class _Extra:
    """What headers before an entry say of it."""

    def __init__(self) -> None:
        self.name: str | None = None
        self.link: str | None = None
        self.size: int | None = None
        self._count = 0

    def take(self, header: tarfile.TarInfo, data: bytes) -> None:
        """Take one such header. Raises FetchError."""
        self._count += 1
        if self._count > _MOST_HEADERS:
            raise _damaged("an entry in it has too many headers")
        if header.type == _LONG_NAME:
            self.name = _text(data.partition(b"\0")[0])
        elif header.type == _LONG_LINK:
            self.link = _text(data.partition(b"\0")[0])
        elif header.type != _PAX_GLOBAL:  # which no tool writes names into
            self._records(data)

    def _records(self, data: bytes) -> None:
        for key, value in _pax_records(data):
            if key.startswith(b"GNU.sparse."):
                raise _damaged("it holds a file with holes: pack it without --sparse")
            if key == b"path":
                self.name = _text(value)
            elif key == b"linkpath":
                self.link = _text(value)
            elif key == b"size":
                self.size = _number(value)


def _pax_records(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of `LENGTH KEY=VALUE\\n` records."""
    while data.strip(b"\0"):
        told, space, _ = data.partition(b" ")
        length = _number(told)
        record = data[len(told) + 1 : length]
        key, equals, value = record.removesuffix(b"\n").partition(b"=")
        if not space or not equals or length > len(data) or not record.endswith(b"\n"):
            raise _damaged("it is damaged: a header cannot be read")
        yield key, value
        data = data[length:]


def _number(text: bytes) -> int:
    if not (text.isdigit() and len(text) < 20):
        raise _damaged(f"it is damaged: {one_line(_text(text), 40)!r} is no number")
    return int(text)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _damaged(message: str) -> FetchError:
    return FetchError(FetchFault.REFUSED, message)
