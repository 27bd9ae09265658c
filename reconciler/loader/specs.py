"""The folder `specs/`: tasks and defaults, read one after the other and never held all at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from reconciler.base.canonical import canonical_json
from reconciler.base.credentials import holds_credential
from reconciler.base.diagnostics import Diagnostic, Location
from reconciler.base.encoding import YamlError, decode
from reconciler.base.source import RENDERED, Located, Path, Source
from reconciler.base.text import one_line
from reconciler.base.yaml import RawDocument
from reconciler.loader.defaults import Chain, DefaultsReader, merge_defaults
from reconciler.loader.explain import explain
from reconciler.loader.files import (
    TEMPLATE_SUFFIX,
    WorkspaceFiles,
    list_folders,
    parse,
    parse_bytes,
    yaml_diagnostic,
)
from reconciler.loader.kinds import SPEC_FOLDER, wrong_kind
from reconciler.loader.pasted import pasted_tokens
from reconciler.loader.template import TemplateProblem, render
from reconciler.model.task import Task

__all__ = ["SPEC_FOLDER", "SpecReader"]


class SpecReader:
    """Reads the tasks of a workspace in the order of their files.

    `diagnostics`, the counts and `digest` are complete once `tasks` is exhausted.
    """

    def __init__(self, files: WorkspaceFiles, variables: Mapping[str, Any]) -> None:
        self.files = files
        self.variables = dict(variables)
        self.diagnostics: list[Diagnostic] = []
        self.spec_count = 0
        self._defaults = DefaultsReader(files)
        self._told: set[tuple[str, Location | None]] = set()
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        """Digest of the names and bytes of all files read, and of the variables of templates."""
        return "sha256:" + self._hash.hexdigest()

    @property
    def defaults_count(self) -> int:
        """How many documents of kind Defaults were read."""
        return self._defaults.count

    def tasks(self) -> Iterator[Located[Task]]:
        """Every valid task; what is wrong is added to `diagnostics`."""
        chains: dict[str, Chain] = {}
        for folder in list_folders(self.files.root, SPEC_FOLDER):
            above = chains.get(folder.name.rpartition("/")[0], Chain())
            chain = chains[folder.name] = self._defaults.extend(above, folder.files)
            self.diagnostics += folder.problems
            for file in folder.files:
                yield from self._file_tasks(file, chain)
        self.diagnostics += self._defaults.diagnostics

    def _file_tasks(self, file: str, chain: Chain) -> Iterator[Located[Task]]:
        documents, problems = self._documents(file, chain)
        self.diagnostics += problems
        for index, document in enumerate(documents):
            task = self._task(file, index, document, chain)
            if task is not None:
                yield task

    def _documents(self, file: str, chain: Chain) -> tuple[list[RawDocument], list[Diagnostic]]:
        try:
            data = self.files.read(file)
        except YamlError as error:
            return [], [yaml_diagnostic(file, error)]
        self._hash.update(f"{file}\0{len(data)}\0".encode("utf-8", "surrogateescape"))
        self._hash.update(data)
        if not file.endswith(TEMPLATE_SUFFIX):
            return parse_bytes(file, data)
        problem = self._render(file, data, chain)
        return ([], [problem]) if problem else parse(self.files, file)

    def _render(self, file: str, data: bytes, chain: Chain) -> Diagnostic | None:
        variables = {**chain.merged, **self.variables}
        self._hash.update(canonical_json(self.variables).encode("utf-8", "surrogatepass"))
        try:
            result = render(decode(data), variables)
        except YamlError as error:
            return yaml_diagnostic(file, error)
        if isinstance(result, TemplateProblem):
            where = Location(file, result.line)
            return Diagnostic(result.message, where, code="template", fix=result.fix)
        self.files.rendered[file] = result
        return None

    def _task(
        self, file: str, index: int, document: RawDocument, chain: Chain
    ) -> Located[Task] | None:
        value, source = document.value, self._source(file, index, document, chain)
        problem = wrong_kind(value, source, SPEC_FOLDER) or _defaults_in_template(value, source)
        if problem is not None:
            self.diagnostics.append(problem)
        if problem is not None or value["kind"] == "Defaults":
            return None
        self.spec_count += 1
        merged = merge_defaults(value, chain)
        try:
            task = Task.model_validate(merged)
        except ValidationError as error:
            self._complain(explain(error, Task, merged, source, _name_of(merged)), source, chain)
            return None
        pasted = pasted_tokens(merged, source, task.address)
        self._complain(pasted, source, chain)
        return None if pasted else Located(task, source)

    def _complain(self, problems: list[Diagnostic], source: Source, chain: Chain) -> None:
        """Add what is wrong with a task, but nothing that follows from broken Defaults."""
        for item in problems:
            inherited = item.location is not None and item.location.file != source.file
            if chain.broken and (inherited or item.code == "missing"):
                continue
            key = (item.message, item.location)
            if inherited and key in self._told:
                continue  # one line of Defaults is wrong for many tasks: told once
            self._told.add(key)
            self.diagnostics.append(item)

    def _source(self, file: str, index: int, document: RawDocument, chain: Chain) -> Source:
        files = self.files

        def locate(path: Path) -> Location:
            place, exact = files.locate(file, index, path)
            if exact:
                return place
            for layer in reversed(chain.layers):
                other, found = files.locate(layer.file, layer.index, path)
                if found:
                    return other
            return place

        return Source(files.label(file), document.line, locate)


def _defaults_in_template(value: Any, source: Source) -> Diagnostic | None:
    if value["kind"] != "Defaults" or not source.file.endswith(RENDERED):
        return None
    message = "Defaults cannot come from a template: templates read them"
    return Diagnostic(message, source.locate(("kind",)), fix="write it as plain YAML")


def _name_of(value: dict[str, Any]) -> str | None:
    metadata = value.get("metadata")
    if not isinstance(metadata, dict):
        return None
    address = f"{metadata.get('registry', '?')}/{metadata.get('name', '?')}"
    return None if holds_credential(address) else one_line(address, 120)
