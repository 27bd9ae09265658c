"""The files of a workspace: which there are, their text, and the places of values in them."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from pathlib import Path as FilePath

from reconciler.base.diagnostics import Diagnostic, Location
from reconciler.base.source import Path
from reconciler.loader.yaml import (
    Mark,
    RawDocument,
    YamlError,
    decode,
    find_mark,
    load_documents,
    load_marks,
)

TEMPLATE_SUFFIX = ".j2"
_SUFFIXES = (".yaml", ".yml", ".yaml.j2", ".yml.j2")


class WorkspaceFiles:
    """Reads the files below one root; keeps rendered templates, so that places fit them."""

    def __init__(self, root: FilePath) -> None:
        self.root = root
        self.rendered: dict[str, str] = {}
        self._marks = functools.lru_cache(maxsize=32)(self._load_marks)

    def read(self, file: str) -> bytes:
        """Bytes of a file, `file` relative to the root. Raises YamlError if it is unreadable."""
        try:
            with (self.root / file).open("rb") as handle:
                return handle.read()
        except OSError as error:
            raise YamlError(f"cannot read the file: {error.strerror}", 1, 1) from None

    def text(self, file: str) -> str:
        """Text of a file, or of what its template gave. Raises YamlError."""
        if file in self.rendered:
            return self.rendered[file]
        return decode(self.read(file))

    def locate(self, file: str, index: int, path: Path) -> tuple[Location, bool]:
        """The place of a field in a document, and whether exactly that field is written there."""
        try:
            marks = self._marks(file)
        except YamlError:
            return Location(self.label(file)), False
        if index >= len(marks):
            return Location(self.label(file)), False
        mark, exact = find_mark(marks[index], path)
        return Location(self.label(file), mark.line, mark.column), exact

    def label(self, file: str) -> str:
        """How a file is named to people: lines of a template are those of the rendered text."""
        return f"{file} (rendered)" if file in self.rendered else file

    def _load_marks(self, file: str) -> list[Mark]:
        return load_marks(self.text(file))


def list_files(root: FilePath, folder: str) -> Iterator[tuple[str, list[str]]]:
    """(folder, files) below `root/folder`, top-down and sorted, relative to the root.

    Hidden entries and linked folders are left out: a link could leave the workspace.
    """
    for current, folders, names in os.walk(root / folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        relative = os.path.relpath(current, root)
        files = sorted(
            name for name in names if name.endswith(_SUFFIXES) and not name.startswith(".")
        )
        yield relative, [f"{relative}/{name}" for name in files]


def parse(files: WorkspaceFiles, file: str) -> tuple[list[RawDocument], list[Diagnostic]]:
    """The documents of a file, or the diagnostic that says why there are none."""
    try:
        return load_documents(files.text(file)), []
    except YamlError as error:
        return [], [yaml_diagnostic(files.label(file), error)]


def yaml_diagnostic(file: str, error: YamlError) -> Diagnostic:
    """A diagnostic of a YAML fault."""
    location = Location(file, error.line, error.column)
    return Diagnostic(error.message, location, code="yaml", fix=error.fix)
