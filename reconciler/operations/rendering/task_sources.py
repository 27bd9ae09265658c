"""The files that a task file is read from where there is no run: itself, values, aliases.

Relative to a folder. Decides nothing about what stands in them.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reconciler.base.diagnostics import Diagnostic, Location
from reconciler.base.encoding import YamlError, decode
from reconciler.base.errors import InvalidInput, ReconcilerError
from reconciler.base.text import one_line
from reconciler.loader.files import WorkspaceFiles
from reconciler.taskfile.faults import Fault
from reconciler.taskfile.file.values import read_values
from reconciler.taskfile.inputs import Manner


def task_text(folder: Path, file: str, given: bytes | None) -> str:
    """The text of a task file, or of what was `given` in its place.

    A byte order mark stays: ACR's engine trips over it. Raises InvalidInput, ReconcilerError.
    """
    data = _read(folder, file, "task file") if given is None else given
    try:
        text = decode(data)
    except YamlError as error:
        raise _unreadable(file, error) from None
    return "\ufeff" + text if data.startswith(codecs.BOM_UTF8) else text


def file_values(folder: Path, file: str, manner: Manner) -> dict[str, Any]:
    """The values of a file. Raises InvalidInput with the place in it, ReconcilerError."""
    try:
        text = decode(_read(folder, file, "values file"))
        return read_values(text, lenient=manner is Manner.ACB)
    except YamlError as error:
        raise _unreadable(file, error) from None
    except Fault as fault:
        place = Location(file, fault.line, fault.column)
        raise InvalidInput([Diagnostic(fault.message, place, fix=fault.fix)]) from None


def alias_source(source: str, folders: Sequence[Path]) -> str:
    """The text of a source of aliases, from the first of some folders that has it.

    Raises ReconcilerError; nothing outside of these folders is read, nothing is fetched.
    """
    if source.startswith(("http://", "https://")):
        raise ReconcilerError("aliases are read from files of the context, not from the network")
    outside = False
    for folder in folders:
        path = Path(os.path.realpath(folder / source))
        if not path.is_relative_to(os.path.realpath(folder)):
            outside = True
        elif path.is_file():
            try:
                return WorkspaceFiles(path.parent).text(path.name)
            except YamlError as error:
                raise ReconcilerError(error.message, hint=error.fix) from None
    if outside:
        raise ReconcilerError(f"{one_line(source)} leads out of its context")
    raise ReconcilerError(f"there is no such file in {one_line(str(folders[0]))}")


def _read(folder: Path, file: str, what: str) -> bytes:
    path = folder / file
    if not path.exists():
        message = f"there is no {what} {one_line(file)}; looked at {one_line(str(path))}"
        raise ReconcilerError(message)
    try:
        return WorkspaceFiles(path.parent).read(path.name)
    except YamlError as error:
        raise _unreadable(file, error) from None


def _unreadable(file: str, error: YamlError) -> InvalidInput:
    place = Location(file, error.line, error.column)
    return InvalidInput([Diagnostic(error.message, place, fix=error.fix)])
