"""What declared tasks push and stand on, kept while the files they were read from stay as they are.

A file counts as the same while its size, times and number are, and is read again if it is so young
that a change might not show. What is kept is a cache in the user's own folder, never a truth.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import reconciler
from reconciler import __version__
from reconciler.base.canonical import digest_text
from reconciler.loader.files import WorkspaceFiles
from reconciler.model.task import Task
from reconciler.model.tracked import TrackedBase
from reconciler.operations.planning.build_bases import Build as DockerBuild
from reconciler.operations.planning.build_bases import Read
from reconciler.operations.planning.circles import Build
from reconciler.operations.planning.dockerfiles import BasesReader
from reconciler.operations.planning.standings import standing_of
from reconciler.operations.reading.gather import servers_of
from reconciler.operations.reading.survey import JUDGING, code_digest
from reconciler.operations.workspace import OpenWorkspace
from reconciler.store.spec_index import SpecIndex, cache_folder

# Below so many tasks nothing is kept.
_MANY = 64
# Seconds in which a file may be written again at the same moment, as its system tells time.
_YOUNG = 2.0
_ALSO_JUDGING = ("engine", "operations/planning")


class _Noted(WorkspaceFiles):
    """Notes what every file looked like before it was read."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.seen: dict[str, str] = {}

    def read(self, file: str) -> bytes:
        self.seen.setdefault(file, _look(self.root, file) or "")
        return super().read(file)


@dataclass(slots=True)
class _Reading:
    """Reads the builds of tasks; `parsed` are Dockerfiles of all of them."""

    opened: OpenWorkspace
    index: SpecIndex | None
    parsed: dict[tuple[bytes, DockerBuild], Read] = field(default_factory=dict)

    def build(self, text: str, kept: str | None, key: bytes) -> Build:
        """The build of one task: what was kept of it, if that still holds."""
        found = _kept(kept, self.opened.root) if kept is not None else None
        return found or self._read(text, key)

    def _read(self, text: str, key: bytes) -> Build:
        files, task = _Noted(self.opened.root), Task.model_validate_json(text)
        document = json.loads(text)
        reader = BasesReader(dataclasses.replace(self.opened, files=files), self.parsed)
        found, standing = reader.of(document).bases, standing_of(reader, task, document)
        build = Build(frozenset(standing.images if standing else ()))
        for base in found.images:
            if standing is not None and standing.minds(base.kind) is None:
                build.minds.setdefault(base.reference, base)
        # What cannot be told is looked at again each time: why may lie in any file.
        if self.index is not None and found.unknown is None and self._old(files.seen):
            self.index.put(key, _entry(build, files.seen))
        return build

    def _old(self, seen: Mapping[str, str]) -> bool:
        now = self.opened.clock().timestamp()
        return all(look and now - _newest(look) > _YOUNG for look in seen.values())


def declared_builds(opened: OpenWorkspace, minding: Mapping[str, str]) -> dict[str, Build]:
    """By address, what tasks push and are built anew for. `minding` as in `Validation`."""
    index = _open_index(opened) if len(minding) >= _MANY else None
    try:
        keys = {name: hashlib.sha256(text.encode()).digest() for name, text in minding.items()}
        known = index.get([*keys.values()]) if index is not None else {}
        reading = _Reading(opened, index)
        return {
            address: reading.build(text, known.get(keys[address]), keys[address])
            for address, text in minding.items()
        }
    finally:
        if index is not None:
            index.close()


def _open_index(opened: OpenWorkspace) -> SpecIndex | None:
    folder = cache_folder(opened.environment)
    if folder is None:
        return None
    code = code_digest(Path(reconciler.__file__).parent, (*JUDGING, *_ALSO_JUDGING))
    servers = json.dumps(servers_of(opened), sort_keys=True)
    name = digest_text("\0".join([__version__, code, str(opened.root.resolve()), servers]))
    return SpecIndex(folder / "builds", name.removeprefix("sha256:")[:32])


# ------------------------------------------------------------------ entries
def _entry(build: Build, seen: Mapping[str, str]) -> str:
    minds = [dataclasses.astuple(base) for base in build.minds.values()]
    text = json.dumps([sorted(seen.items()), sorted(build.pushes), minds])
    return f"{_checksum(text)} {text}"


def _kept(entry: str, root: Path) -> Build | None:
    """What was kept; None if it is damaged, or a file is another one."""
    checksum, _, text = entry.partition(" ")
    if _checksum(text) != checksum:
        return None
    seen, pushes, minds = json.loads(text)
    if any(_look(root, file) != look for file, look in seen):
        return None
    bases = (
        TrackedBase(reference=name, platform=platform, kind=kind, file=file, line=line)
        for name, platform, kind, file, line in minds
    )
    return Build(frozenset(pushes), {base.reference: base for base in bases})


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"  # finds damage; who can write it need not forge it


def _look(root: Path, file: str) -> str | None:
    """What changes when a file does; None if there is none."""
    try:
        state = (root / file).stat()
    except OSError:
        return None
    return f"{state.st_mtime_ns} {state.st_ctime_ns} {state.st_size} {state.st_ino} {state.st_dev}"


def _newest(look: str) -> float:
    changed, moved, *_ = look.split()
    return max(int(changed), int(moved)) / 1e9
