"""The folder `specs/`: tasks and defaults, read one after the other and never held all at once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from reconciler.base.diagnostics import Diagnostic, Location
from reconciler.base.source import Located, Path, Source
from reconciler.base.text import did_you_mean, one_line
from reconciler.loader.defaults import FolderDefaults, merge_defaults
from reconciler.loader.explain import explain
from reconciler.loader.files import (
    TEMPLATE_SUFFIX,
    WorkspaceFiles,
    list_files,
    parse,
    yaml_diagnostic,
)
from reconciler.loader.template import TemplateProblem, render
from reconciler.loader.yaml import RawDocument, YamlError, decode
from reconciler.model.defaults import Defaults
from reconciler.model.task import Task

SPEC_FOLDER = "specs"
_KINDS = {"Task": SPEC_FOLDER, "Defaults": SPEC_FOLDER, "Policy": "policies", "Waiver": "policies"}
_MAY_HOLD_DEFAULTS = re.compile(rb"\bDefaults\b")

Chain = tuple[FolderDefaults, ...]


class SpecReader:
    """Reads the tasks of a workspace in the order of their files.

    `diagnostics`, the counts and `digest` are complete once `tasks` is exhausted.
    """

    def __init__(self, files: WorkspaceFiles, variables: Mapping[str, Any]) -> None:
        self.files = files
        self.variables = dict(variables)
        self.diagnostics: list[Diagnostic] = []
        self.spec_count = 0
        self.defaults_count = 0
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        """Digest of the names and bytes of all files read."""
        return "sha256:" + self._hash.hexdigest()

    def tasks(self) -> Iterator[Located[Task]]:
        """Every valid task; what is wrong is added to `diagnostics`."""
        chains: dict[str, Chain] = {}
        for folder, files in list_files(self.files.root, SPEC_FOLDER):
            above = chains.get(folder.rpartition("/")[0], ())
            chain = chains[folder] = self._folder_chain(above, files)
            for file in files:
                yield from self._file_tasks(file, chain)

    # ------------------------------------------------------------- defaults
    def _folder_chain(self, above: Chain, files: list[str]) -> Chain:
        own: list[FolderDefaults] = []
        for file in files:
            if not file.endswith(TEMPLATE_SUFFIX) and self._may_hold_defaults(file):
                own.extend(self._defaults_of(file))
        return (*above, *own)

    def _may_hold_defaults(self, file: str) -> bool:
        try:
            return _MAY_HOLD_DEFAULTS.search(self.files.read(file)) is not None
        except YamlError:
            return False  # told when the file is read for its tasks

    def _defaults_of(self, file: str) -> Iterator[FolderDefaults]:
        documents, _ = parse(self.files, file)
        for index, document in enumerate(documents):
            if isinstance(document.value, dict) and document.value.get("kind") == "Defaults":
                self.defaults_count += 1
                if self._check_defaults(file, index, document):
                    values = {
                        k: document.value[k] for k in ("metadata", "spec") if document.value.get(k)
                    }
                    yield FolderDefaults(file, index, values)

    def _check_defaults(self, file: str, index: int, document: RawDocument) -> bool:
        source = self._source(file, index, document, ())
        try:
            Defaults.model_validate(document.value)
        except ValidationError as error:
            self.diagnostics += explain(error, Defaults, document.value, source, None)
            return False
        return True

    # ---------------------------------------------------------------- tasks
    def _file_tasks(self, file: str, chain: Chain) -> Iterator[Located[Task]]:
        if file.endswith(TEMPLATE_SUFFIX):
            problems = self._render(file, chain)
            documents, more = ([], []) if problems else parse(self.files, file)
            problems += more
        else:
            documents, problems = self._parse_plain(file)
        self.diagnostics += problems
        for index, document in enumerate(documents):
            task = self._task(file, index, document, chain)
            if task is not None:
                yield task

    def _parse_plain(self, file: str) -> tuple[list[RawDocument], list[Diagnostic]]:
        try:
            self._add_to_digest(file, self.files.read(file))
        except YamlError as error:
            return [], [yaml_diagnostic(file, error)]
        return parse(self.files, file)

    def _add_to_digest(self, file: str, data: bytes) -> None:
        self._hash.update(f"{file}\0{len(data)}\0".encode("utf-8", "surrogateescape"))
        self._hash.update(data)

    def _render(self, file: str, chain: Chain) -> list[Diagnostic]:
        try:
            data = self.files.read(file)
            text = decode(data)
        except YamlError as error:
            return [yaml_diagnostic(file, error)]
        self._add_to_digest(file, data)
        result = render(text, {**merge_defaults({}, chain), **self.variables})
        if isinstance(result, TemplateProblem):
            where = Location(file, result.line)
            return [Diagnostic(result.message, where, code="template", fix=result.fix)]
        self.files.rendered[file] = result
        return []

    def _task(
        self, file: str, index: int, document: RawDocument, chain: Chain
    ) -> Located[Task] | None:
        value = document.value
        source = self._source(file, index, document, chain)
        problem = wrong_kind(value, source, SPEC_FOLDER)
        if problem is not None:
            self.diagnostics.append(problem)
            return None
        if value["kind"] == "Defaults":
            if file.endswith(TEMPLATE_SUFFIX):
                message = "Defaults cannot come from a template: templates read them"
                place = source.locate(("kind",))
                self.diagnostics.append(Diagnostic(message, place, fix="write it as plain YAML"))
            return None
        self.spec_count += 1
        merged = merge_defaults(value, chain)
        try:
            return Located(Task.model_validate(merged), source)
        except ValidationError as error:
            name = _name_of(merged)
            self.diagnostics += explain(error, Task, merged, source, name)
            return None

    def _source(self, file: str, index: int, document: RawDocument, chain: Chain) -> Source:
        files = self.files

        def locate(path: Path) -> Location:
            place, exact = files.locate(file, index, path)
            if exact:
                return place
            for layer in reversed(chain):
                other, found = files.locate(layer.file, layer.index, path)
                if found:
                    return other
            return place

        return Source(files.label(file), document.line, locate)


def wrong_kind(value: Any, source: Source, folder: str) -> Diagnostic | None:
    """A diagnostic if a document is no map, of unknown kind, or stands in the wrong folder."""
    if not isinstance(value, dict):
        fix = "start it with apiVersion: reconciler/v1 and kind:"
        return Diagnostic("a document is a map", source.locate(()), fix=fix)
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        near = did_you_mean(kind, _KINDS) if isinstance(kind, str) else None
        message = (
            f"unknown kind {one_line(repr(kind), 60)}" if "kind" in value else "kind is missing"
        )
        fix = f"did you mean {near!r}?" if near else "write kind: Task"
        return Diagnostic(message, source.locate(("kind",)), allowed=", ".join(_KINDS), fix=fix)
    if _KINDS[kind] != folder:
        message = f"a {kind} belongs in the folder {_KINDS[kind]}/, this is {folder}/"
        return Diagnostic(message, source.locate(("kind",)), fix=f"move it to {_KINDS[kind]}/")
    return None


def _name_of(value: dict[str, Any]) -> str | None:
    metadata = value.get("metadata")
    if not isinstance(metadata, dict):
        return None
    return one_line(f"{metadata.get('registry', '?')}/{metadata.get('name', '?')}", 120)
