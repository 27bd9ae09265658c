"""Unpacks a tar from outside into an empty folder, and packs a folder. Follows no link."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from reconciler.adapters.archives.pack import by_path, packed

_CHUNK = 1024 * 1024


class _Chunks:
    """An iterator of bytes as a file that can only be read forwards."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks: Iterator[bytes] = iter(chunks)
        self._rest = b""

    def read(self, size: int) -> bytes:
        """At most so many bytes, none at the end."""
        while not self._rest:
            found = next(self._chunks, None)
            if found is None:
                return b""
            self._rest = found
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken


def unpack(chunks: Iterable[bytes], folder: Path) -> None:
    """Unpack a tar. What is neither file, folder nor link is left out. Raises OSError.

    Symbolic links are made last, so that nothing can be written through one.
    """
    try:
        _unpack(chunks, folder)
    except tarfile.TarError as error:
        raise OSError(f"the archive is damaged: {error}") from None


def _unpack(chunks: Iterable[bytes], folder: Path) -> None:
    links: list[tuple[Path, str]] = []
    with tarfile.open(fileobj=cast("BinaryIO", _Chunks(chunks)), mode="r|") as tar:
        for member in tar:
            path = _inside(folder, member.name)
            if path is None:
                continue
            if member.issym():
                links.append((path, member.linkname))
            elif member.isdir():
                path.mkdir(parents=True, exist_ok=True)
            elif member.isfile():
                _write(tar, member, path)
            elif member.islnk():
                _link(folder, member, path)
    for path, target in links:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)


def _inside(folder: Path, name: str) -> Path | None:
    parts = [part for part in name.split("/") if part not in {"", "."}]
    return None if ".." in parts else folder.joinpath(*parts)


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = tar.extractfile(member)
    with path.open("xb") as file:
        while content is not None and (data := content.read(_CHUNK)):
            file.write(data)
    path.chmod(member.mode & 0o755 | 0o600)


def _link(folder: Path, member: tarfile.TarInfo, path: Path) -> None:
    target = _inside(folder, member.linkname)
    if target is not None and target.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.hardlink_to(target)


def pack(
    folder: Path, left_out: Callable[[str], bool], check: Callable[[], None], under: str = ""
) -> BinaryIO:
    """A tar of a folder in a temporary file, at its beginning. Raises OSError.

    `left_out` is asked for every path in it; `check` is called now and then and may raise. Names
    in the tar begin with `under`.
    """
    archive = cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=8 * _CHUNK))  # noqa: SIM115
    try:
        for piece in packed(folder, by_path(left_out), check, under=under):
            archive.write(piece)
        archive.seek(0)
    except BaseException:
        archive.close()
        raise
    return archive
