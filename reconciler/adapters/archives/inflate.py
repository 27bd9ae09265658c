"""Opens what is packed (gzip, bzip2, xz), a bounded piece at a time. Knows no archive.

A kilobyte can be a gigabyte: what comes out is counted against what went in.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Protocol

from reconciler.adapters.fetch_fault import FetchError, FetchFault, Limits, sized

_PIECE = 256 * 1024
_XZ_MEMORY = 256 << 20
_GZIP, _BZIP2, _XZ = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00"
LONGEST_MAGIC = 512  # bytes that tell what a file is

# What is no tar and no packed one, and what to do about it.
_OTHERS = (
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "a zip archive"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a rar archive"),
    (b"\x7fELF", "a program"),
)
_PAGE = (b"<!doctype", b"<html", b"<?xml")


class _Inflater(Protocol):
    """What the three libraries have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class Meter:
    """Counts what was packed and what it became, over all archives of a context."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.packed, self.unpacked, self.entries = limits, 0, 0, 0

    def grow(self, count: int) -> None:
        """Count bytes that came out. Raises FetchError at a limit."""
        self.unpacked += count
        if self.unpacked > self.limits.unpacked:
            raise _refused(f"it unpacks to more than {sized(self.limits.unpacked)}")
        if self.unpacked > max(self.limits.free, self.packed * self.limits.ratio):
            raise _refused(f"it unpacks to more than {self.limits.ratio} times its size")

    def enter(self) -> None:
        """Count a file, folder or link. Raises FetchError at a limit."""
        self.entries += 1
        if self.entries > self.limits.entries:
            raise _refused(f"it holds more than {self.limits.entries:,} files and folders")


def inflated(file: BinaryIO, meter: Meter) -> Iterator[bytes]:
    """The bytes of a file, opened if it is packed. Raises FetchError if it is damaged."""
    head = file.read(LONGEST_MAGIC)
    file.seek(0)
    _refuse_others(head)
    try:
        yield from _pieces(file, head, meter)
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
        raise _refused(f"it is damaged: {error}") from None


def _pieces(file: BinaryIO, head: bytes, meter: Meter) -> Iterator[bytes]:
    if not head.startswith((_GZIP, _BZIP2, _XZ)):
        while data := file.read(_PIECE):
            meter.packed += len(data)
            meter.grow(len(data))
            yield data
        return
    opened, data, more = _opener(head), b"", True
    while True:
        if not data and more and _hungry(opened):
            data = file.read(_PIECE)
            more = bool(data)
            meter.packed += len(data)
        piece = opened.decompress(data, _PIECE)
        data = _left(opened)
        meter.grow(len(piece))
        if piece:
            yield piece
        if opened.eof:
            data = _after(opened.unused_data, file, meter)
            if not data:
                return
            opened = _opener(data)
        elif not piece and not data and not more:
            raise EOFError("it ends too early")


def _hungry(opened: _Inflater) -> bool:
    return bool(getattr(opened, "needs_input", True))


def _left(opened: _Inflater) -> bytes:
    # zlib hands back what it had no room for; the others keep it.
    return bytes(getattr(opened, "unconsumed_tail", b""))


def _opener(head: bytes) -> _Inflater:
    if head.startswith(_GZIP):
        return zlib.decompressobj(wbits=31)
    if head.startswith(_BZIP2):
        return bz2.BZ2Decompressor()
    if head.startswith(_XZ):
        return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
    raise ValueError("something else follows its end")


def _after(unused: bytes, file: BinaryIO, meter: Meter) -> bytes:
    """What follows the end: nothing, zeros, or one more packed piece."""
    data = unused.lstrip(b"\0")
    while not data:
        data = file.read(_PIECE)
        if not data:
            return b""
        meter.packed += len(data)
        data = data.lstrip(b"\0")
    if len(data) < len(_XZ):
        data += file.read(len(_XZ))
    return data


def _refuse_others(head: bytes) -> None:
    kind = next((told for magic, told in _OTHERS if head.startswith(magic)), None)
    if head.lstrip().lower().startswith(_PAGE):
        kind = "a web page"
    if kind is not None:
        raise _refused(f"it is {kind}; a context is a tar, plain or packed by gzip, bzip2 or xz")


def _refused(message: str) -> FetchError:
    return FetchError(FetchFault.REFUSED, message)
