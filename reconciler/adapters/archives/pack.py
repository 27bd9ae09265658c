"""Packs a folder into a tar as it is read: nothing is held, and no link is followed.

The header is written here: the library's own writer takes several times as long for small files.
Format: ustar, with the long names of GNU tar.
"""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from reconciler.taskfile.dockerfile.ignore import IgnoreRules, Verdict

_CHUNK = 1024 * 1024
_BLOCK = 512
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_ZEROS = bytes(_BLOCK)

# (path, what the folder above it was judged) -> (left out, what it is judged, look below it)
Judge = Callable[[str, Verdict], tuple[bool, Verdict, bool]]


def by_rules(rules: IgnoreRules) -> Judge:
    """Leave out what ignore rules say; a folder is looked into if something in it may come back."""
    restores = rules.restores_any

    def judge(path: str, above: Verdict) -> tuple[bool, Verdict, bool]:
        verdict = rules.judge(path, above)
        return verdict.ignored, verdict, restores or not verdict.ignored

    return judge


def by_path(left_out: Callable[[str], bool]) -> Judge:
    """Leave out the paths that a function says; each folder is looked into."""
    return lambda path, above: (left_out(path), above, True)


def packed(
    folder: Path,
    judge: Judge,
    check: Callable[[], None],
    extra: Mapping[str, bytes] | None = None,
    *,
    under: str = "",
) -> Iterator[bytes]:
    """The bytes of a tar of a folder, in pieces of about a MiB. Raises OSError.

    Owners are root; sockets, pipes and devices are left out. `extra` are files beside those of the
    folder, in their place where it has them too. `check` is called now and then and may raise.
    Names in the tar begin with `under`: empty, or a folder and `/`.
    """
    added = dict(extra or {})
    buffer = bytearray()
    for path, state in _entries(folder, "", judge, Verdict()):
        if path in added:
            continue
        check()
        kind = stat.S_IFMT(state.st_mode)
        if kind == stat.S_IFDIR:
            buffer += _header(under + path, state, tarfile.DIRTYPE)
        elif kind == stat.S_IFLNK:
            target = os.readlink(folder / path)  # noqa: PTH115  (keeps what it says)
            buffer += _header(under + path, state, tarfile.SYMTYPE, link=target)
        elif kind == stat.S_IFREG:
            for piece in _file(folder, path, under):
                buffer += piece
                if len(buffer) >= _CHUNK:
                    yield bytes(buffer)
                    buffer.clear()
                    check()
    for path, data in added.items():
        buffer += _member(under + path, 0o644, 0, tarfile.REGTYPE, len(data)) + data
        buffer += bytes(-len(data) % _BLOCK)
    yield bytes(buffer + 2 * _ZEROS)


def _entries(
    folder: Path, inside: str, judge: Judge, above: Verdict
) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(folder / inside if inside else folder) as entries:
        found = sorted(entries, key=_name)
    for entry in found:
        path = inside + entry.name
        left_out, verdict, deeper = judge(path, above)
        is_folder = entry.is_dir(follow_symlinks=False)
        if not left_out:
            yield path, entry.stat(follow_symlinks=False)
        if is_folder and deeper:
            yield from _entries(folder, path + "/", judge, verdict)


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _file(folder: Path, path: str, under: str) -> Iterator[bytes]:
    """A file's header and bytes. Two names of one file are two: one may be left out."""
    handle = os.open(f"{folder}/{path}", _READ)
    try:
        state = os.fstat(handle)
        if not stat.S_ISREG(state.st_mode):
            return  # it was one a moment ago
        left = state.st_size
        yield _header(under + path, state, tarfile.REGTYPE)
        while left:
            piece = os.read(handle, min(left, _CHUNK))
            if not piece:
                raise OSError(f"{path} became shorter while it was packed")
            left -= len(piece)
            yield piece
        if padding := -state.st_size % _BLOCK:
            yield bytes(padding)
    finally:
        os.close(handle)


# ------------------------------------------------------------------- headers
def _header(path: str, state: os.stat_result, kind: bytes, link: str = "") -> bytes:
    size = state.st_size if kind == tarfile.REGTYPE else 0
    name = f"{path}/" if kind == tarfile.DIRTYPE else path
    return _member(name, stat.S_IMODE(state.st_mode), int(state.st_mtime), kind, size, link)


def _member(path: str, mode: int, time: int, kind: bytes, size: int, link: str = "") -> bytes:  # noqa: PLR0917
    name, target = os.fsencode(path), os.fsencode(link)
    before = b""
    if len(name) > 100:
        before += _long(b"L", name)
    if len(target) > 100:
        before += _long(b"K", target)
    return before + _block(name, mode, time, kind, size, target)


def _long(kind: bytes, text: bytes) -> bytes:
    data = text + b"\0"
    return _block(b"././@LongLink", 0, 0, kind, len(data), b"") + data + bytes(-len(data) % _BLOCK)


def _block(name: bytes, mode: int, time: int, kind: bytes, size: int, link: bytes) -> bytes:  # noqa: PLR0917
    block = b"%b%07o\0%07o\0%07o\0%b%b        %b%b%b" % (
        name[:100].ljust(100, b"\0"),
        mode,
        0,
        0,
        _number(size),
        _number(time),
        kind,
        link[:100].ljust(100, b"\0"),
        b"ustar  \0root\0",
    )
    whole = block.ljust(_BLOCK, b"\0")
    return b"%b%06o\0 %b" % (whole[:148], sum(whole), whole[156:])


def _number(value: int) -> bytes:
    """Twelve bytes: octal, or base 256 for what does not fit (more than 8 GiB, before 1970)."""
    if 0 <= value < 8**11:
        return b"%011o\0" % value
    return (
        b"\x80" + value.to_bytes(11, "big")
        if value > 0
        else b"\xff" + (value).to_bytes(11, "big", signed=True)
    )
