"""The log of a CI service, which obeys some lines: what is quoted in ours is never one of them.

Names, messages and the lines of a run come from others. Where a service reads our output, each
line goes through `report/inert`; only notes that are meant for it go around. What is written into a
file is no log, and stays as it is.
"""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

# GitHub (and Gitea, Forgejo) and Azure Pipelines say so in each step.
_SERVICES = ("GITHUB_ACTIONS", "TF_BUILD")


def in_service(environment: Mapping[str, str]) -> bool:
    """True in a step of a service whose log obeys lines."""
    return any(environment.get(name, "").lower() in {"true", "1"} for name in _SERVICES)


def guard_streams() -> None:
    """From now on nothing that is printed is a command for the service."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper) and not _is_file(stream):
            setattr(sys, name, GuardedText(stream))


def emit(lines: Iterable[str]) -> None:
    """Print commands for the service to standard output; their makers quote what is in them."""
    stream = sys.stdout
    text = "".join(f"{line}\n" for line in lines)
    if isinstance(stream, GuardedText):
        stream.write_command(text)
    else:
        stream.write(text)
    stream.flush()


class GuardedText(io.TextIOWrapper):
    """A text stream over the bytes of another one, whose lines command nothing.

    Each call is given whole lines, as click does.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(
            stream.buffer,
            encoding=stream.encoding,
            errors=stream.errors,
            line_buffering=True,
        )
        self._below = stream  # kept: it closes the bytes when it goes

    def write(self, text: str) -> int:
        """Write text without commands in it."""
        from reconciler.report.inert import no_commands  # noqa: PLC0415  (late: on a service only)

        self.write_command(no_commands(text))
        return len(text)

    def write_command(self, text: str) -> None:
        """Write text as it is."""
        super().write(text)

    @property
    def buffer(self) -> Any:
        """The bytes below, guarded too: click writes bytes past the text."""
        return _GuardedBytes(self)


class _GuardedBytes(io.RawIOBase):
    """Bytes for a guarded stream; those that are no text stay what they are."""

    def __init__(self, text: GuardedText) -> None:
        self._text = text

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        from reconciler.report.inert import no_commands  # noqa: PLC0415  (late: on a service only)

        inert = no_commands(bytes(data).decode("utf-8", "surrogateescape"))
        self._text.flush()
        io.TextIOWrapper.buffer.__get__(self._text).write(inert.encode("utf-8", "surrogateescape"))
        return len(data)

    def flush(self) -> None:
        io.TextIOWrapper.buffer.__get__(self._text).flush()


def _is_file(stream: TextIO) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False
