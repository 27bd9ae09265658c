"""`fmt`: lay out the YAML files of a workspace, or say which ones would change."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.files import write_whole
from reconciler.base.diagnostics import Diagnostic, Location, Severity
from reconciler.loader.files import TEMPLATE_SUFFIX, list_files, yaml_diagnostic
from reconciler.loader.format import FormatRefused, format_text
from reconciler.loader.policies import POLICY_FOLDER
from reconciler.loader.specs import SPEC_FOLDER
from reconciler.loader.workspace import WORKSPACE_FILE
from reconciler.loader.yaml import YamlError, decode


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
        lines = (self.before.splitlines(), self.after.splitlines())
        return list(difflib.unified_diff(*lines, self.file, self.file, lineterm=""))


def layouts(root: Path, paths: tuple[Path, ...]) -> Iterator[Layout]:
    """The layout of the given files and folders, or of the whole workspace."""
    for file in _files(root, paths):
        yield _layout(root, file)


def write_layout(root: Path, layout: Layout) -> None:
    """Write a file; its mode stays."""
    path = root / layout.file
    write_whole(path, layout.after.encode("utf-8"), path.stat().st_mode & 0o777)


def _files(root: Path, paths: tuple[Path, ...]) -> Iterator[str]:
    if not paths:
        if (root / WORKSPACE_FILE).is_file():
            yield WORKSPACE_FILE
        paths = tuple(root / folder for folder in (SPEC_FOLDER, POLICY_FOLDER))
    for path in paths:
        if not path.is_dir():
            yield str(path)
            continue
        for _, files in list_files(path, "."):
            for file in files:
                if not file.endswith(TEMPLATE_SUFFIX):
                    yield _relative(root, path / file)


def _relative(root: Path, path: Path) -> str:
    try:
        return str(path.resolve().relative_to(root.resolve()))
    except ValueError:
        return str(path.resolve())


def _layout(root: Path, file: str) -> Layout:
    try:
        before = decode((root / file).read_bytes())
        return Layout(file, before, format_text(before))
    except OSError as error:
        text = f"cannot read the file: {error.strerror}"
        return Layout(file, problem=Diagnostic(text, Location(file)))
    except YamlError as error:
        return Layout(file, problem=yaml_diagnostic(file, error))
    except FormatRefused as error:
        text = f"left as it is: {error}"
        return Layout(file, problem=Diagnostic(text, Location(file), Severity.WARNING))
