"""The file `reconciler.yaml`, and finding the workspace that a folder belongs to."""

from __future__ import annotations

from pathlib import Path as FilePath

from pydantic import ValidationError

from reconciler.base.diagnostics import Diagnostic, Location
from reconciler.base.errors import InvalidInput
from reconciler.base.source import Located, Path, Source
from reconciler.loader.explain import explain
from reconciler.loader.files import WorkspaceFiles, parse
from reconciler.model.workspace import Workspace

WORKSPACE_FILE = "reconciler.yaml"


def find_root(start: FilePath) -> FilePath | None:
    """The nearest folder at or above `start` that holds `reconciler.yaml`, or None."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / WORKSPACE_FILE).is_file():
            return folder
    return None


def load_workspace(files: WorkspaceFiles) -> Located[Workspace]:
    """The workspace of a root. Raises InvalidInput."""
    documents, problems = parse(files, WORKSPACE_FILE)
    if not problems and (len(documents) != 1 or not isinstance(documents[0].value, dict)):
        message = "reconciler.yaml holds exactly one document of kind Workspace"
        problems = [Diagnostic(message, Location(WORKSPACE_FILE))]
    if problems:
        raise InvalidInput(problems)

    def locate(path: Path) -> Location:
        return files.locate(WORKSPACE_FILE, 0, path)[0]

    source = Source(WORKSPACE_FILE, documents[0].line, locate)
    try:
        return Located(Workspace.model_validate(documents[0].value), source)
    except ValidationError as error:
        found = explain(error, Workspace, documents[0].value, source, None)
        raise InvalidInput(found) from None
