"""The folder `specs/`: tasks and defaults, read one after the other and never held all at once.

Walking and reading are apart: a walk gives folders, a folder its files with their bytes and the
Defaults in force (`read_folder`), and what a file says depends on nothing else. So both can be read
in any process, and what files said can be kept by their bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from reconciler.base.canonical import canonical_json
from reconciler.base.credentials import holds_credential
from reconciler.base.diagnostics import Diagnostic, Location
from reconciler.base.encoding import YamlError, decode
from reconciler.base.places import is_written
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

__all__ = ["SPEC_FOLDER", "FolderReading", "SpecFile", "SpecFolder", "SpecReader", "SpecReading"]

# Files of one folder that are read at once; of more, nobody reads the next before these are done.
_PART = 200


@dataclass(frozen=True, slots=True)
class SpecFile:
    """A file as it was read, relative to the root, and the Defaults in force in its folder.

    `digest` is of its bytes. Without `data` it could not be read: `problem` says why.
    """

    name: str
    chain: Chain
    data: bytes = b""
    digest: bytes = b""
    problem: Diagnostic | None = None

    @property
    def is_template(self) -> bool:
        """True if its text is rendered before it is read."""
        return self.name.endswith(TEMPLATE_SUFFIX)


@dataclass(frozen=True, slots=True)
class FolderReading:
    """The files of a folder, the Defaults in force in it, and those that stand in it."""

    files: Sequence[SpecFile]
    chain: Chain
    defaults: int = 0
    diagnostics: Sequence[Diagnostic] = ()


@dataclass(frozen=True, slots=True)
class SpecFolder:
    """A folder, or a part of a large one, with the Defaults in force in the folder above.

    It is `read` where what follows depends on it; else whoever comes by reads it.
    """

    name: str
    above: Chain
    files: Sequence[str] = ()
    read: FolderReading | None = None


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


class SpecReader:
    """Reads the tasks of a workspace in the order of their files.

    `diagnostics`, the counts and `digest` are complete once `tasks` is exhausted, or once every
    folder was read and noted, and every file in it.
    """

    def __init__(self, files: WorkspaceFiles, variables: Mapping[str, Any]) -> None:
        self.files = files
        self.variables = dict(variables)
        self._folder_problems: list[Diagnostic] = []
        self._file_problems: list[Diagnostic] = []
        self.spec_count = 0
        self._defaults_problems: list[Diagnostic] = []
        self._defaults_count = 0
        self._chains: dict[str, Chain] = {}
        self._told: set[tuple[str, Location | None]] = set()
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        """Digest of the names and bytes of all files read, and of the variables of templates."""
        return "sha256:" + self._hash.hexdigest()

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """What is wrong, in an order that does not depend on how far the walk is ahead."""
        return [*self._folder_problems, *self._file_problems, *self._defaults_problems]

    @property
    def defaults_count(self) -> int:
        """How many documents of kind Defaults were read."""
        return self._defaults_count

    def tasks(self) -> Iterator[Located[Task]]:
        """Every valid task; what is wrong is added to `diagnostics`."""
        for folder in self.folders():
            found = self.read_folder(folder)
            self.note_folder(folder, found.chain, found.defaults, found.diagnostics)
            for file in found.files:
                reading = self.read(file)
                self.note(
                    file.name, file.digest, reading.specs, reading.diagnostics, reading.rendered
                )
                yield from (located for _, located in reading.tasks)

    # ------------------------------------------------------------------- walk
    def folders(self) -> Iterator[SpecFolder]:
        """Every folder in order. What is wrong with folders goes to `diagnostics`.

        Those are read that have folders below them (their Defaults are in force there), and large
        ones, which come in parts.
        """
        for folder in list_folders(self.files.root, SPEC_FOLDER):
            self._folder_problems += folder.problems
            above = self._chains.get(folder.name.rpartition("/")[0], Chain())
            found = SpecFolder(folder.name, above, folder.files)
            if folder.has_folders or len(folder.files) > _PART:
                yield from self._parts(found)
            elif folder.files:
                yield found

    def _parts(self, folder: SpecFolder) -> Iterator[SpecFolder]:
        whole = self.read_folder(folder)
        self._chains[folder.name] = whole.chain
        first = whole
        for start in range(0, len(whole.files), _PART):
            part = replace(first, files=whole.files[start : start + _PART])
            yield replace(folder, files=(), read=part)
            first = FolderReading((), whole.chain)

    def read_folder(self, folder: SpecFolder) -> FolderReading:
        """The files of a folder. Depends on them and on the Defaults above alone."""
        if folder.read is not None:
            return folder.read
        read = {name: self._read_bytes(name) for name in folder.files}
        defaults = DefaultsReader(self.files)
        whole = ((name, data) for name, data in read.items() if isinstance(data, bytes))
        chain = defaults.extend(folder.above, whole)
        files = [
            SpecFile(name, chain, data, hashlib.sha256(data).digest())
            if isinstance(data, bytes)
            else SpecFile(name, chain, problem=yaml_diagnostic(name, data))
            for name, data in read.items()
        ]
        return FolderReading(files, chain, defaults.count, defaults.diagnostics)

    def note_folder(
        self, folder: SpecFolder, chain: Chain, defaults: int, problems: Iterable[Diagnostic]
    ) -> None:
        """Know the Defaults in force in a folder, count those in it, keep what is wrong in them."""
        self._chains[folder.name] = chain
        self._defaults_count += defaults
        self._defaults_problems += problems

    def _read_bytes(self, name: str) -> bytes | YamlError:
        try:
            return self.files.read(name)
        except YamlError as error:
            return error

    def _add_to_digest(self, name: str, digest: bytes) -> None:
        self._hash.update(name.encode("utf-8", "surrogateescape") + b"\0" + digest)
        if name.endswith(TEMPLATE_SUFFIX):
            self._hash.update(canonical_json(self.variables).encode("utf-8", "surrogatepass"))

    # ------------------------------------------------------------------- read
    def read(self, file: SpecFile) -> SpecReading:
        """What a file says. Depends on the file and on the variables alone."""
        reading = SpecReading(file)
        documents, reading.diagnostics = self._documents(reading)
        for index, document in enumerate(documents):
            self._task(reading, index, document)
        return reading

    def note(
        self,
        name: str,
        digest: bytes,
        specs: int,
        diagnostics: Iterable[Diagnostic] = (),
        rendered: str | None = None,
    ) -> None:
        """Count what a file said, and keep what is wrong in it; `digest` is empty if unreadable."""
        if rendered is not None:
            self.files.rendered[name] = rendered
        if digest:
            self._add_to_digest(name, digest)
        self.spec_count += specs
        for item in diagnostics:
            inherited = item.location is not None and item.location.file != self.files.label(name)
            key = (item.message, item.location)
            if inherited and key in self._told:
                continue  # one line of Defaults is wrong for many tasks: told once
            self._told.add(key)
            self._file_problems.append(item)

    def source(self, name: str, index: int, line: int) -> Source:
        """The source of a document of a file that was walked, without reading it again."""
        chain = self._chains[name.rpartition("/")[0]]
        return Source(self.label(name), line, lambda path: self._locate(name, index, chain, path))

    def file(self, name: str, data: bytes, digest: bytes) -> SpecFile:
        """A file of a folder that was noted, with its bytes."""
        return SpecFile(name, self._chains[name.rpartition("/")[0]], data, digest)

    def label(self, name: str) -> str:
        """How a file whose documents could be read is named to people."""
        return name + RENDERED if name.endswith(TEMPLATE_SUFFIX) else name

    def _locate(self, name: str, index: int, chain: Chain, path: Path) -> Location:
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
            lambda path: self._locate(name, index, chain, path),
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
