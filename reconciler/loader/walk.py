"""The folders of `specs/`: a walk gives folders, a folder its files and the Defaults in force.

What a folder holds depends on nothing but its files and the Defaults above it, so it can be read in
any process. Reads no task.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from reconciler.base.diagnostics import Diagnostic
from reconciler.base.encoding import YamlError
from reconciler.loader.defaults import Chain, DefaultsReader
from reconciler.loader.files import TEMPLATE_SUFFIX, WorkspaceFiles, list_folders, yaml_diagnostic
from reconciler.loader.kinds import SPEC_FOLDER

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


class SpecWalk:
    """Goes through the folders in order, and keeps what is in force and what is wrong in them.

    The Defaults' count and problems are complete once every folder was noted.
    """

    def __init__(self, files: WorkspaceFiles) -> None:
        self.files = files
        self.folder_problems: list[Diagnostic] = []
        self.defaults_problems: list[Diagnostic] = []
        self.defaults_count = 0
        self._chains: dict[str, Chain] = {}

    def folders(self) -> Iterator[SpecFolder]:
        """Every folder in order. What is wrong with folders goes to `folder_problems`.

        Those are read that have folders below them (their Defaults are in force there), and large
        ones, which come in parts.
        """
        for folder in list_folders(self.files.root, SPEC_FOLDER):
            self.folder_problems += folder.problems
            above = self._chains.get(folder.name.rpartition("/")[0], Chain())
            found = SpecFolder(folder.name, above, folder.files)
            if folder.has_folders or len(folder.files) > _PART:
                yield from self._parts(found)
            elif folder.files:
                yield found

    def _parts(self, folder: SpecFolder) -> Iterator[SpecFolder]:
        whole = self.read(folder)
        self._chains[folder.name] = whole.chain
        first = whole
        for start in range(0, len(whole.files), _PART):
            part = replace(first, files=whole.files[start : start + _PART])
            yield replace(folder, files=(), read=part)
            first = FolderReading((), whole.chain)

    def read(self, folder: SpecFolder) -> FolderReading:
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

    def note(
        self, folder: SpecFolder, chain: Chain, defaults: int, problems: Iterable[Diagnostic]
    ) -> None:
        """Know the Defaults in force in a folder, count those in it, keep what is wrong in them."""
        self._chains[folder.name] = chain
        self.defaults_count += defaults
        self.defaults_problems += problems

    def chain_of(self, name: str) -> Chain:
        """The Defaults in force for a file of a folder that was noted."""
        return self._chains[name.rpartition("/")[0]]

    def _read_bytes(self, name: str) -> bytes | YamlError:
        try:
            return self.files.read(name)
        except YamlError as error:
            return error
