"""One file of `specs/`: from its bytes and the Defaults in force to tasks, and to what is wrong.

What a file says depends on nothing else but the variables of templates, so it can be read in any
process, and kept by its bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from reconciler.base.credentials import holds_credential
from reconciler.base.diagnostics import Diagnostic, Location
from reconciler.base.encoding import YamlError, decode
from reconciler.base.places import is_written
from reconciler.base.source import RENDERED, Located, Path, Source
from reconciler.base.text import one_line
from reconciler.base.yaml import RawDocument
from reconciler.loader.defaults import Chain, merge_defaults
from reconciler.loader.explain import explain
from reconciler.loader.files import (
    TEMPLATE_SUFFIX,
    WorkspaceFiles,
    parse,
    parse_bytes,
    yaml_diagnostic,
)
from reconciler.loader.kinds import SPEC_FOLDER, wrong_kind
from reconciler.loader.pasted import pasted_tokens
from reconciler.loader.template import TemplateProblem, render
from reconciler.loader.walk import SpecFile
from reconciler.model.task import Task


@dataclass(slots=True)
class SpecReading:
    """What a file says: its valid tasks, each with its index among the documents of the file.

    `specs` counts all tasks, also wrong ones. `rendered` is what a template gave.
    """

    file: SpecFile
    tasks: list[tuple[int, Located[Task]]] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    specs: int = 0
    rendered: str | None = None


@dataclass(frozen=True, slots=True)
class FileReader:
    """Reads files one by one. `variables` are those of the workspace, for templates."""

    files: WorkspaceFiles
    variables: Mapping[str, Any]

    def read(self, file: SpecFile) -> SpecReading:
        """What a file says. Depends on the file and on the variables alone."""
        reading = SpecReading(file)
        documents, reading.diagnostics = self._documents(reading)
        for index, document in enumerate(documents):
            self._task(reading, index, document)
        return reading

    def locate(self, name: str, index: int, chain: Chain, path: Path) -> Location:
        """The place of a field of a document: where it is written, also if that is in Defaults."""
        files = self.files
        if name.endswith(TEMPLATE_SUFFIX) and name not in files.rendered:
            self._render(SpecReading(SpecFile(name, chain, files.read(name))))
        place, exact = files.locate(name, index, path)
        if exact:
            return place
        for layer in reversed(chain.layers):
            other, found = files.locate(layer.file, layer.index, path)
            if found:
                return other
        return place

    def _documents(self, reading: SpecReading) -> tuple[list[RawDocument], list[Diagnostic]]:
        file = reading.file
        if file.problem is not None:
            return [], [file.problem]
        if not file.is_template:
            return parse_bytes(file.name, file.data)
        problem = self._render(reading)
        return ([], [problem]) if problem else parse(self.files, file.name)

    def _render(self, reading: SpecReading) -> Diagnostic | None:
        file = reading.file
        variables = {**file.chain.merged, **self.variables}
        try:
            result = render(decode(file.data), variables)
        except YamlError as error:
            return yaml_diagnostic(file.name, error)
        if isinstance(result, TemplateProblem):
            where = Location(file.name, result.line)
            return Diagnostic(result.message, where, code="template", fix=result.fix)
        self.files.rendered[file.name] = reading.rendered = result
        return None

    def _task(self, reading: SpecReading, index: int, document: RawDocument) -> None:
        file = reading.file
        value, source = document.value, self._source(file, index, document)
        problem = wrong_kind(value, source, SPEC_FOLDER) or _defaults_in_template(value, source)
        if problem is not None:
            reading.diagnostics.append(problem)
        if problem is not None or value["kind"] == "Defaults":
            return
        reading.specs += 1
        merged = merge_defaults(value, file.chain)
        try:
            task = Task.model_validate(merged)
        except ValidationError as error:
            found = explain(error, Task, merged, source, _name_of(merged))
            reading.diagnostics += _own(found, source, file.chain)
            return
        pasted = pasted_tokens(merged, source, task.address)
        reading.diagnostics += _own(pasted, source, file.chain)
        if not pasted:
            reading.tasks.append((index, Located(task, source)))

    def _source(self, file: SpecFile, index: int, document: RawDocument) -> Source:
        name, chain = file.name, file.chain
        label = self.files.label(name)

        def inherited(path: Path) -> Location | None:
            if is_written(document.value, path):
                return None
            places = (
                self.files.locate(one.file, one.index, path) for one in reversed(chain.layers)
            )
            return next((place for place, exact in places if exact), None)

        return Source(
            label,
            document.line,
            lambda path: self.locate(name, index, chain, path),
            inherited if chain.layers else None,
        )


def _own(problems: list[Diagnostic], source: Source, chain: Chain) -> list[Diagnostic]:
    """What is wrong with a task, without what follows from broken Defaults."""
    if not chain.broken:
        return problems
    return [
        item
        for item in problems
        if item.code != "missing" and (item.location is None or item.location.file == source.file)
    ]


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
