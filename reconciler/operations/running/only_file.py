"""The file of a run without a context: of `/dev/null` ACR takes a local file, or standard input."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from reconciler.base.encoding import YamlError, decode
from reconciler.base.errors import WrongUsage
from reconciler.base.text import one_line
from reconciler.model.context import ContextKind, context_kind

STDIN = "-"
_LARGEST = 1 << 20
_NAME_OF_STDIN = "stdin"


@dataclass(frozen=True, slots=True)
class OnlyFile:
    """The name and the text of the file. Without a text it is one of the context."""

    name: str
    text: str | None = None


def only_file(source: str, file: str, folder: str, given: bytes | None) -> OnlyFile:
    """What `-f FILE` is in a context: a file of it, or without one a local file, or what is given.

    `folder` is where the person stands, `given` came by standard input. Raises WrongUsage.
    """
    if context_kind(source) is not ContextKind.NONE:
        if file == STDIN:
            hint = "write the file into the context, or take /dev/null"
            raise WrongUsage("-f - goes with the context /dev/null", hint=hint)
        return OnlyFile(file)
    if file == STDIN:
        return OnlyFile(_NAME_OF_STDIN, _text(given or b"", "standard input"))
    path = Path(folder, file)
    try:
        data = _bytes(path)
    except OSError as error:
        why = error.strerror or str(error)
        message = f"-f {one_line(file, 120)} cannot be read: {why}"
        raise WrongUsage(message, hint="with /dev/null a file is relative to this folder") from None
    return OnlyFile(path.name, _text(data, one_line(file, 120)))


def _bytes(path: Path) -> bytes:
    """The beginning of a regular file: nobody may ever write into a pipe. Raises OSError."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as opened:
        if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            raise OSError("it is no regular file; give a pipe by standard input: -f -")
        return opened.read(_LARGEST + 1)


def _text(data: bytes, told: str) -> str:
    if not data.strip():
        raise WrongUsage(f"{told} is empty")
    if len(data) > _LARGEST:
        raise WrongUsage(f"{told} has more than 1 MiB")
    try:
        return decode(data)
    except YamlError as error:
        raise WrongUsage(f"{told}: {error.message}") from None
