"""Makes tars, whole and hostile ones."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping


def member(name: str, **fields: object) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(found, field, value)
    return found


def archive(*members: tuple[tarfile.TarInfo, bytes], kind: int = tarfile.PAX_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=kind) as tar:
        for info, data in members:
            if data:
                info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return file.getvalue()


def packed(files: Mapping[str, bytes]) -> bytes:
    """A plain tar of regular files."""
    return archive(*((member(name), data) for name, data in files.items()))


def link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=tarfile.SYMTYPE, linkname=target), b""


def second_name(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=tarfile.LNKTYPE, linkname=target), b""


def special(name: str, kind: bytes) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=kind, devmajor=1, devminor=3), b""
