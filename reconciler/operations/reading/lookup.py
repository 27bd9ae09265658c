"""What the files of folders come to: looked up by their content in the index, else examined.

This is the part of the pass over all specs that any process can do. A folder goes out as its name,
and comes back as text that was kept, or is to be kept, for each of its files.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from reconciler.base.diagnostics import Diagnostic
from reconciler.base.encoding import YamlError
from reconciler.base.errors import ReconcilerError
from reconciler.loader.defaults import Chain
from reconciler.loader.files import WorkspaceFiles
from reconciler.loader.walk import FolderReading, SpecFile, SpecFolder
from reconciler.operations.reading.examine import Examined, Examiner
from reconciler.plan.declared import NewTask
from reconciler.store.spec_index import SpecIndex

_DECODE = json.JSONDecoder().raw_decode  # loads() looks at more than it needs to
_day = lru_cache(maxsize=1024)(date.fromisoformat)
# Where address and digest stand in a row of an entry.
_ADDRESS, _DIGEST = 3, 2


class Looked(NamedTuple):
    """What one file comes to. `digest` is of its bytes; `data` are they, if somebody will ask.

    `rows` are its entries (see `examine`), left out where `entry` has them: the text that is kept
    under `key`. It is to be kept if `fresh`.
    """

    name: str
    digest: bytes
    key: bytes
    specs: int
    rows: Sequence[Sequence[Any]] | None
    entry: str = ""
    fresh: bool = False
    data: bytes = b""
    diagnostics: tuple[Diagnostic, ...] = ()
    rendered: str | None = None
    new: tuple[NewTask, ...] = ()

    @property
    def known(self) -> bool:
        """True if it was not examined."""
        return bool(self.entry) and not self.fresh


class LookedFolder(NamedTuple):
    """What a folder comes to; `chain` is None where the Defaults above it are in force."""

    files: list[Looked]
    chain: Chain | None = None
    defaults: int = 0
    diagnostics: Sequence[Diagnostic] = ()


@dataclass(slots=True)
class Lookup:
    """Looks folders up and examines what is new, on one day.

    `open_index` is asked once in each process; None: there is no index. `is_new` says of an address
    that the document is wanted if it is a known one, `is_same` of an address and a digest that
    nobody will ask for the bytes.
    """

    examiner: Examiner
    open_index: Callable[[], SpecIndex | None]
    is_new: Callable[[str], bool]
    is_same: Callable[[str, str], bool]
    _index: SpecIndex | None = None
    _opened: bool = False
    _chains: dict[int, tuple[Chain, str]] = field(default_factory=dict)

    def elsewhere(self, folders: Sequence[SpecFolder]) -> list[LookedFolder]:
        """What folders come to, small enough for a pipe."""
        looked = self(folders)
        for folder in looked:
            folder.files[:] = [
                one._replace(rows=None) if one.entry else one for one in folder.files
            ]
        return looked

    def __call__(self, folders: Sequence[SpecFolder]) -> list[LookedFolder]:
        """What folders come to."""
        read = [self.examiner.reader.walk.read(folder) for folder in folders]
        keys = {file.name: self._key(file) for one in read for file in one.files}
        known = self.index.get(list(keys.values())) if self.index is not None else {}
        return [
            self._folder(folder, one, keys, known)
            for folder, one in zip(folders, read, strict=True)
        ]

    @property
    def index(self) -> SpecIndex | None:
        """The index of this process."""
        if not self._opened:
            self._index, self._opened = self.open_index(), True
        return self._index

    def close(self) -> None:
        """Keep what is new."""
        if self._index is not None:
            self._index.close()

    def forked(self) -> Lookup:
        """The same for another process, which opens the index anew."""
        return Lookup(self.examiner, self.open_index, self.is_new, self.is_same)

    def _folder(
        self,
        folder: SpecFolder,
        read: FolderReading,
        keys: dict[str, bytes],
        known: dict[bytes, str],
    ) -> LookedFolder:
        files = []
        for file in read.files:
            key = keys[file.name]
            text = known.get(key)
            looked = self._known(file, key, text) if text is not None else None
            files.append(looked or self._examined(file, key))
        chain = None if read.chain is folder.above else read.chain
        return LookedFolder(files, chain, read.defaults, read.diagnostics)

    def _known(self, file: SpecFile, key: bytes, text: str) -> Looked | None:
        """What was kept; None if it is damaged, of another day, or not enough."""
        found = read_entry(text)
        if found is None or not found.since <= self.examiner.today < found.until:
            return None
        rows = found.rows
        if any(self.is_new(row[_ADDRESS]) for row in rows):
            return None
        return Looked(
            file.name, file.digest, key, found.specs, rows, text, data=self._data(file, rows)
        )

    def _examined(self, file: SpecFile, key: bytes) -> Looked:
        """A file in which anything is wrong is read anew each time: its places are told."""
        found = self.examiner.examine(file)
        fresh = self.index is not None and not found.diagnostics
        return Looked(
            file.name,
            file.digest,
            key,
            found.specs,
            found.rows,
            write_entry(found) if fresh else "",
            fresh,
            self._data(file, found.rows),
            found.diagnostics,
            found.rendered,
            found.new,
        )

    def _data(self, file: SpecFile, rows: Iterable[Sequence[Any]]) -> bytes:
        same = all(self.is_same(row[_ADDRESS], row[_DIGEST]) for row in rows)
        return b"" if same else file.data

    def _key(self, file: SpecFile) -> bytes:
        """What the entry of a file depends on, beside what all of them depend on."""
        # With the chain itself, so that no other is found under its id.
        kept = self._chains.get(id(file.chain))
        if kept is None:
            kept = self._chains[id(file.chain)] = (file.chain, file.chain.digest)
        kind = "template" if file.is_template else "plain"
        return hashlib.sha256(f"{kind} {kept[1]} ".encode() + file.digest).digest()


def rows_of(looked: Looked) -> Sequence[Sequence[Any]]:
    """The entries of a file, as plain values."""
    if looked.rows is not None:
        return looked.rows
    rows: list[list[Any]] = _DECODE(looked.entry, looked.entry.index("["))[0]
    return rows


def bytes_of(looked: Looked, files: WorkspaceFiles) -> bytes:
    """The bytes of a file that was looked up: those, and no others that stand there by now.

    Raises ReconcilerError if it was changed meanwhile.
    """
    if looked.data:
        return looked.data
    try:
        data = files.read(looked.name)
    except YamlError:
        data = b""
    if hashlib.sha256(data).digest() != looked.digest:
        message = f"{looked.name} was changed while it was read"
        raise ReconcilerError(message, hint="start again once nobody writes there")
    return data


# ------------------------------------------------------------------ entries
def write_entry(examined: Examined) -> str:
    """What is kept of a file: a checksum, the days it holds, how many specs, its rows."""
    days = f"{examined.since.isoformat()} {examined.until.isoformat()}"
    text = f"{days} {examined.specs} {json.dumps(examined.rows)}"
    return f"{_checksum(text)} {text}"


def read_entry(text: str) -> Examined | None:
    """What was kept; None if it is damaged."""
    checksum, _, rest = text.partition(" ")
    if _checksum(rest) != checksum:
        return None
    since, until, specs, rows = rest.split(" ", 3)
    return Examined(_DECODE(rows)[0], _day(since), _day(until), int(specs))


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"  # finds damage; who can write it need not forge it
