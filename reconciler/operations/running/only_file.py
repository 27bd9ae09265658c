"""The file of a run without a context: of `/dev/null` ACR takes a local file, or standard input."""

from __future__ import annotations

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
        with path.open("rb") as opened:
            data = opened.read(_LARGEST + 1)
    except OSError as error:
        why = error.strerror or type(error).__name__
        message = f"-f {one_line(file, 120)} cannot be read: {why}"
        raise WrongUsage(message, hint="with /dev/null a file is relative to this folder") from None
    return OnlyFile(path.name, _text(data, one_line(file, 120)))


def _text(data: bytes, told: str) -> str:
    if not data.strip():
        raise WrongUsage(f"{told} is empty")
    if len(data) > _LARGEST:
        raise WrongUsage(f"{told} has more than 1 MiB")
    try:
        return decode(data)
    except YamlError as error:
        raise WrongUsage(f"{told}: {error.message}") from None
