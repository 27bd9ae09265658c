"""A task's document to the text of a spec file, over the Defaults of its folder. Writes no file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from reconciler.base.diagnostics import Diagnostic, Location
from reconciler.base.encoding import YamlError
from reconciler.base.places import find_mark
from reconciler.base.source import Located, Path, Source
from reconciler.base.text import harmless
from reconciler.base.yaml import load_documents, load_marks
from reconciler.base.yaml_writer import write_document
from reconciler.loader.defaults import Chain, DefaultsReader, merge_defaults
from reconciler.loader.explain import explain
from reconciler.loader.files import WorkspaceFiles, list_folders
from reconciler.loader.kinds import SPEC_FOLDER
from reconciler.loader.pasted import pasted_tokens
from reconciler.model.task import Task


def chains_by_folder(files: WorkspaceFiles) -> dict[str, Chain]:
    """The Defaults in force in every folder of specs, by its name."""
    reader, chains = DefaultsReader(files), dict[str, Chain]()
    for folder in list_folders(files.root, SPEC_FOLDER):
        above = chains.get(folder.name.rpartition("/")[0], Chain())
        chains[folder.name] = reader.extend(above, _readable(files, folder.files))
    return chains


def _readable(files: WorkspaceFiles, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    for name in names:
        with contextlib.suppress(YamlError):  # told when its tasks are read
            yield name, files.read(name)


def chain_for(chains: Mapping[str, Chain], folder: str) -> Chain:
    """The Defaults in force in a folder that may not be there yet."""
    while folder and folder not in chains:
        folder = folder.rpartition("/")[0]
    return chains.get(folder, Chain())


def over_defaults(
    document: dict[str, Any], explicit: Mapping[str, Any], defaults: Mapping[str, Any]
) -> dict[str, Any]:
    """The document with what Defaults would give it otherwise written out, from `explicit`."""
    result = dict(document)
    for key, below in defaults.items():
        own, full = document.get(key), explicit.get(key)
        if isinstance(below, dict) and isinstance(full, dict):
            inner = over_defaults(own if isinstance(own, dict) else {}, full, below)
            if inner:
                result[key] = inner
        elif key not in document and key in explicit:
            result[key] = full
    return result


def spec_text(document: Mapping[str, Any], head: Sequence[str], remarks: Mapping[Path, str]) -> str:
    """The text of a spec: comment lines above it, and remarks at the end of fields' lines."""
    body = write_document(document).splitlines(keepends=True)
    [mark] = load_marks("".join(body))
    for path, remark in remarks.items():
        line = find_mark(mark, path)[0].line - 1
        body[line] = f"{body[line].rstrip()}  # {_comment(remark)}\n"
    return "".join([*(f"# {_comment(line)}\n" for line in head), *body])


def _comment(text: str) -> str:
    return harmless(text.replace("\n", " ")).strip()


def read_spec(file: str, text: str, chain: Chain) -> Located[Task] | list[Diagnostic]:
    """The task that a text will be once it stands in a file, or what is wrong with it."""
    source = Source(file, 1, lambda _: Location(file))
    try:
        [document] = load_documents(text)
    except (YamlError, ValueError) as error:
        message = error.message if isinstance(error, YamlError) else "it is not one document"
        return [Diagnostic(f"YAML cannot say it: {message}", Location(file))]
    merged = merge_defaults(document.value, chain)
    try:
        task = Task.model_validate(merged)
    except ValidationError as error:
        return explain(error, Task, merged, source, None)
    return pasted_tokens(merged, source, task.address) or Located(task, source)
