"""The files of a workspace: which there are, their text, and the places of values in them."""

from __future__ import annotations

import errno
import functools
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from reconciler.base.diagnostics import Diagnostic, Location, Severity
from reconciler.base.encoding import MAX_BYTES, YamlError, decode, too_big
from reconciler.base.places import Mark, find_mark
from reconciler.base.source import RENDERED, Path
from reconciler.base.yaml import RawDocument, load_documents, load_marks

TEMPLATE_SUFFIX = ".j2"
_SUFFIXES = (".yaml", ".yml", ".yaml.j2", ".yml.j2")


class WorkspaceFiles:
    """Reads the files below one root; keeps rendered templates, so that places fit them."""

    def __init__(self, root: FilePath) -> None:
        self.root = root
        self._start = f"{root}{os.sep}"
        self.rendered: dict[str, str] = {}
        self._marks = functools.lru_cache(maxsize=32)(self._load_marks)

    def read(self, file: str) -> bytes:
        """Bytes of a file, `file` relative to the root. Raises YamlError if it is unreadable."""
        try:
            return _read(self._start + file)
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
        return file + RENDERED if file in self.rendered else file

    def _load_marks(self, file: str) -> list[Mark]:
        return load_marks(self.text(file))


def _read(path: str) -> bytes:
    # Not blocking: a pipe named x.yaml must not stop us for ever. And no file object: of a hundred
    # thousand files, making one costs as much as the reading.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        state = os.fstat(handle)
        if not stat.S_ISREG(state.st_mode):
            raise YamlError("this is not a regular file", 1, 1)
        if state.st_size > MAX_BYTES:
            raise too_big(state.st_size)
        data = os.read(handle, state.st_size + 1)
        while len(data) < state.st_size and (more := os.read(handle, state.st_size - len(data))):
            data += more
        return data
    finally:
        os.close(handle)


@dataclass(slots=True)
class Folder:
    """One folder below the root: its name and its YAML files, both relative to the root.

    `problems` says what stands there and is not read, so that nothing is left out in silence;
    `has_folders` that there are folders in it.
    """

    name: str
    files: list[str] = field(default_factory=list)
    problems: list[Diagnostic] = field(default_factory=list)
    has_folders: bool = False


def list_folders(root: FilePath, folder: str) -> Iterator[Folder]:
    """The folder and all below it, top-down and sorted; nothing if it does not exist.

    Hidden entries are left out. Linked folders are refused (they could leave the workspace or lead
    in a circle), and so are linked files that lead out of the root.
    """
    if not os.path.lexists(root / folder):
        return
    waiting = [folder]
    while waiting:
        found, below = _list_folder(root, waiting.pop())
        found.has_folders = bool(below)
        waiting += reversed(below)
        yield found


def _list_folder(root: FilePath, name: str) -> tuple[Folder, list[str]]:
    folder, below = Folder(name), list[str]()
    try:
        for entry in _entries(root / name):
            path = entry.name if name == "." else f"{name}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                below.append(path)
            elif problem := _refuse_link(root, path, entry) if entry.is_symlink() else None:
                folder.problems.append(problem)
            elif path.endswith(_SUFFIXES):
                folder.files.append(path)
    except OSError as error:
        # Never left out in silence: tasks that are not read would be deleted by an apply.
        text = f"cannot read the folder: {error.strerror}"
        folder.problems.append(Diagnostic(text, Location(name)))
    return folder, below


def _entries(folder: FilePath) -> list[os.DirEntry[str]]:
    if folder.is_symlink():
        raise OSError(errno.ELOOP, "it is a link")
    with os.scandir(folder) as entries:
        shown = [entry for entry in entries if not entry.name.startswith(".")]
    return sorted(shown, key=lambda entry: entry.name)


def _refuse_link(root: FilePath, path: str, entry: os.DirEntry[str]) -> Diagnostic | None:
    if os.path.isdir(entry.path):  # noqa: PTH112  (is_dir of a circle of links raises)
        fix = "move the folder here, or remove the link"
        return Diagnostic("a linked folder is not read", Location(path), fix=fix)
    if not path.endswith(_SUFFIXES):
        return None
    # realpath: Path.resolve raises for a circle of links before Python 3.13.
    if not FilePath(os.path.realpath(root / path)).is_relative_to(os.path.realpath(root)):
        text, fix = "the link leads out of the workspace", "put the file itself here"
        return Diagnostic(text, Location(path), fix=fix)
    return None


def parse(files: WorkspaceFiles, file: str) -> tuple[list[RawDocument], list[Diagnostic]]:
    """The documents of a file, or the diagnostic that says why there are none."""
    try:
        return load_documents(files.text(file)), []
    except YamlError as error:
        return [], [yaml_diagnostic(files.label(file), error)]


def parse_bytes(file: str, data: bytes) -> tuple[list[RawDocument], list[Diagnostic]]:
    """The documents of a plain file whose bytes are at hand; a warning where there are none."""
    try:
        documents = load_documents(decode(data))
    except YamlError as error:
        return [], [yaml_diagnostic(file, error)]
    if documents:
        return documents, []
    fix = "remove the file, or write what it should say"
    return [], [Diagnostic("the file says nothing", Location(file), Severity.WARNING, fix=fix)]


def yaml_diagnostic(file: str, error: YamlError) -> Diagnostic:
    """A diagnostic of a YAML fault."""
    location = Location(file, error.line, error.column)
    return Diagnostic(error.message, location, code="yaml", fix=error.fix)
