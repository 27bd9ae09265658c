"""The folder `specs/`: tasks and defaults, read one after the other and never held all at once.

Walking (`walk`) and reading (`spec_file`) are apart; here what both found is put together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.base.canonical import canonical_json
from reconciler.base.diagnostics import Diagnostic, Location
from reconciler.base.source import RENDERED, Located, Source
from reconciler.loader.files import TEMPLATE_SUFFIX, WorkspaceFiles
from reconciler.loader.spec_file import FileReader, SpecReading
from reconciler.loader.walk import SpecFile, SpecWalk
from reconciler.model.task import Task


class SpecReader:
    """Reads the tasks of a workspace in the order of their files.

    `diagnostics`, the counts and `digest` are complete once `tasks` is exhausted, or once every
    folder was read and noted, and every file in it.
    """

    def __init__(self, files: WorkspaceFiles, variables: Mapping[str, Any]) -> None:
        self.files = files
        self.variables = dict(variables)
        self.walk = SpecWalk(files)
        self.spec_count = 0
        self._reader = FileReader(files, self.variables)
        self._file_problems: list[Diagnostic] = []
        self._told: set[tuple[str, Location | None]] = set()
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        """Digest of the names and bytes of all files read, and of the variables of templates."""
        return "sha256:" + self._hash.hexdigest()

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """What is wrong, in an order that does not depend on how far the walk is ahead."""
        return [*self.walk.folder_problems, *self._file_problems, *self.walk.defaults_problems]

    @property
    def defaults_count(self) -> int:
        """How many documents of kind Defaults were read."""
        return self.walk.defaults_count

    def tasks(self) -> Iterator[Located[Task]]:
        """Every valid task; what is wrong is added to `diagnostics`."""
        for folder in self.walk.folders():
            found = self.walk.read(folder)
            self.walk.note(folder, found.chain, found.defaults, found.diagnostics)
            for file in found.files:
                reading = self.read(file)
                self.note(
                    file.name, file.digest, reading.specs, reading.diagnostics, reading.rendered
                )
                yield from (located for _, located in reading.tasks)

    def read(self, file: SpecFile) -> SpecReading:
        """What a file says. Depends on the file and on the variables alone."""
        return self._reader.read(file)

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
        chain, locate = self.walk.chain_of(name), self._reader.locate
        return Source(self.label(name), line, lambda path: locate(name, index, chain, path))

    def file(self, name: str, data: bytes, digest: bytes) -> SpecFile:
        """A file of a folder that was noted, with its bytes."""
        return SpecFile(name, self.walk.chain_of(name), data, digest)

    def label(self, name: str) -> str:
        """How a file whose documents could be read is named to people."""
        return name + RENDERED if name.endswith(TEMPLATE_SUFFIX) else name

    def _add_to_digest(self, name: str, digest: bytes) -> None:
        self._hash.update(name.encode("utf-8", "surrogateescape") + b"\0" + digest)
        if name.endswith(TEMPLATE_SUFFIX):
            self._hash.update(canonical_json(self.variables).encode("utf-8", "surrogatepass"))
