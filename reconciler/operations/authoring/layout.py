"""`fmt`: lay out the YAML files of a workspace, or say which ones would change."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.adapters.files import write_whole
from reconciler.base.diagnostics import Diagnostic, Location, Severity
from reconciler.base.encoding import YamlError, decode
from reconciler.base.text import harmless
from reconciler.loader.files import TEMPLATE_SUFFIX, WorkspaceFiles, list_folders, yaml_diagnostic
from reconciler.loader.format import FormatRefused, format_text
from reconciler.loader.kinds import POLICY_FOLDER, SPEC_FOLDER
from reconciler.loader.workspace import WORKSPACE_FILE


@dataclass(frozen=True, slots=True)
class Layout:
    """One file: its text as it is and as it should be, or why that is not known."""

    file: str
    before: str = ""
    after: str = ""
    problem: Diagnostic | None = None

    @property
    def changed(self) -> bool:
        """True if the file would be written."""
        return self.problem is None and self.before != self.after

    def diff(self) -> list[str]:
        """A unified diff."""
        lines = (self.before.split("\n"), self.after.split("\n"))
        found = difflib.unified_diff(*lines, self.file, self.file, lineterm="")
        return [harmless(line) for line in found]


def layouts(root: Path, paths: tuple[Path, ...]) -> Iterator[Layout]:
    """The layout of the given files and folders, or of the whole workspace."""
    if not paths:
        yield from _whole_workspace(root)
    for path in paths:
        yield from _given(root, path)


def write_layout(root: Path, layout: Layout) -> None:
    """Write a file; its mode stays."""
    path = (root / layout.file).resolve()  # a link stays a link
    write_whole(path, layout.after.encode("utf-8"), path.stat().st_mode & 0o777)


def _whole_workspace(root: Path) -> Iterator[Layout]:
    if (root / WORKSPACE_FILE).is_file():
        yield _layout(root, WORKSPACE_FILE)
    for folder in (SPEC_FOLDER, POLICY_FOLDER):
        yield from _in_folder(root, root / folder)


def _given(root: Path, path: Path) -> Iterator[Layout]:
    file = _relative(root, path)
    if path.is_dir():
        yield from _in_folder(root, path)
    elif file.endswith(TEMPLATE_SUFFIX):
        text = "left as it is: a template is no YAML yet"
        yield Layout(file, problem=Diagnostic(text, Location(file), Severity.WARNING))
    else:
        yield _layout(root, file)


def _in_folder(root: Path, path: Path) -> Iterator[Layout]:
    for folder in list_folders(path, "."):
        for problem in folder.problems:
            yield Layout(folder.name, problem=_placed(problem, root, path))
        for file in folder.files:
            if not file.endswith(TEMPLATE_SUFFIX):
                yield _layout(root, _relative(root, path / file))


def _placed(problem: Diagnostic, root: Path, path: Path) -> Diagnostic:
    file = problem.location.file if problem.location else "."
    return replace(problem, location=Location(_relative(root, path / file)))


def _relative(root: Path, path: Path) -> str:
    # Links are not followed here: a file is named as it was given.
    absolute, top = Path(os.path.normpath(path.absolute())), root.absolute()
    return str(absolute.relative_to(top)) if absolute.is_relative_to(top) else str(absolute)


def _layout(root: Path, file: str) -> Layout:
    try:
        before = decode(WorkspaceFiles(root).read(file))
        return Layout(file, before, format_text(before))
    except YamlError as error:
        return Layout(file, problem=yaml_diagnostic(file, error))
    except FormatRefused as error:
        text = f"left as it is: {error}"
        return Layout(file, problem=Diagnostic(text, Location(file), Severity.WARNING))
