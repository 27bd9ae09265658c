"""The pass over all specs: each is read, judged and compared once, and only while it is new.

Folders come in order. What their files say is looked up by its content in the index; what is not
there is examined (`lookup`), both in several processes where there is enough to do. What follows
needs all tasks in their order, and is done here: collisions, counts, comparing.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Protocol

from reconciler import __version__
from reconciler.adapters.processes.workers import Workers, processors
from reconciler.base.canonical import digest_text
from reconciler.base.source import Located, Source
from reconciler.loader.crosscheck import CrossCheck
from reconciler.loader.policies import PolicySet
from reconciler.loader.specs import SpecReader
from reconciler.loader.walk import SpecFolder
from reconciler.loader.workspace import WORKSPACE_FILE
from reconciler.model.task import Task
from reconciler.operations.reading.demands import Asker, Demands
from reconciler.operations.reading.examine import (
    ENTRY_VERSION,
    Entry,
    Examiner,
    entries_of,
    verdicts_of,
    words_of,
)
from reconciler.operations.reading.gather import task_check
from reconciler.operations.reading.lookup import (
    Looked,
    LookedFolder,
    Lookup,
    bytes_of,
    rows_of,
)
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.declared import Declared, NewTask
from reconciler.policy.evaluate import RuleSet
from reconciler.policy.rule import Subject
from reconciler.policy.waivers import Tally
from reconciler.store.spec_index import SpecIndex, cache_folder

# Below so many files an index gains nothing.
_MANY = 64
# Files that are looked up at once.
_BATCH = 50
# Other processes are started once so many known files were taken, or their worth in new ones.
_ENOUGH, _EXAMINED = 2_000, 50

JUDGING = ("base", "model", "loader", "taskfile", "policy", "plan", "operations/reading")

Place = tuple[str, int, int]


class Listener(Protocol):
    """Who is shown every usable task, and wants the documents of those that are new to it."""

    def add(self, task: Declared) -> None:
        """A declared task."""

    def is_new(self, address: str) -> bool:
        """True if the document of a task will be asked for."""

    def is_same(self, address: str, digest: str) -> bool:
        """True if nobody will read a task with this document."""

    def passes(self, address: str, digest: str) -> bool:
        """True if no more than this need be known of a task: it need not be added."""


@dataclass(slots=True)
class Survey:
    """All declared tasks as one pass. The counts are complete once `run` returned.

    `places` tells where the task of an address stands: file, index of the document, line. `minding`
    has those with a trigger for base images that is on (see `Entry`).
    """

    opened: OpenWorkspace
    policies: PolicySet
    rules: RuleSet
    today: date
    reader: SpecReader = field(init=False)
    check: CrossCheck = field(default_factory=CrossCheck)
    demands: Demands = field(default_factory=Demands)
    places: dict[str, Place] = field(default_factory=dict)
    minding: dict[str, str] = field(default_factory=dict)
    _index_name: str | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.reader = SpecReader(self.opened.files, self.opened.workspace.vars)

    def source(self, address: str) -> Source | None:
        """The document of a declared task."""
        place = self.places.get(address)
        return None if place is None else self.reader.source(*place)

    def run(self, tally: Tally, listener: Listener | None) -> None:
        """Judge every task for `tally`, and show every usable one to a listener."""
        check, for_plan = task_check(self.opened), listener is not None
        examiner = Examiner(self.reader, check, self.rules, self.today, for_plan)
        with ExitStack() as stack:
            is_new = listener.is_new if listener is not None else _never
            is_same = listener.is_same if listener is not None else _always
            lookup = Lookup(examiner, self._open_index, is_new, is_same)
            stack.callback(lookup.close)
            for folder, found in self._looked(self.reader.walk.folders(), lookup, stack):
                chain = found.chain or folder.above
                self.reader.walk.note(folder, chain, found.defaults, found.diagnostics)
                self._take(found.files, lookup.index, tally, listener)
                self.opened.counts(self.reader.spec_count)
        self.opened.counts(None)

    def _looked(
        self, folders: Iterator[SpecFolder], lookup: Lookup, stack: ExitStack
    ) -> Iterator[tuple[SpecFolder, LookedFolder]]:
        """Every folder with what it comes to. The first are done here, and often that is all."""
        batches = _batches(folders)
        first = list(itertools.islice(batches, -(-_MANY // _BATCH)))
        if sum(map(_files, first)) < _MANY:
            lookup.open_index = _no_index
        rest, done = itertools.chain(first, batches), 0
        for batch in rest:
            looked = lookup(batch)
            yield from zip(batch, looked, strict=True)
            done += sum(1 if one.known else _EXAMINED for folder in looked for one in folder.files)
            if done >= _ENOUGH and processors() > 1:
                break
        else:
            return
        sent: deque[list[SpecFolder]] = deque()
        other = lookup.forked()
        stack.callback(other.close)
        workers = Workers(other.elsewhere, processors())
        stack.callback(workers.close)
        for looked in workers.map(_noted(rest, sent)):
            yield from zip(sent.popleft(), looked, strict=True)

    def _take(
        self,
        files: Sequence[Looked],
        index: SpecIndex | None,
        tally: Tally,
        listener: Listener | None,
    ) -> None:
        for file in files:
            self.reader.note(file.name, file.digest, file.specs, file.diagnostics, file.rendered)
            if index is not None and file.entry:
                index.use(file.key)
                if file.fresh:
                    index.put(file.key, file.entry)
            for entry, new in zip_longest(entries_of(rows_of(file)), file.new):
                self._add(file, entry, new, tally, listener)

    def _add(
        self,
        file: Looked,
        entry: Entry,
        new: NewTask | None,
        tally: Tally,
        listener: Listener | None,
    ) -> None:
        facts = entry.facts
        place = (file.name, entry.index, entry.line)
        source = partial(self.reader.source, *place)
        if not self.check.add(facts, source):
            return
        read = partial(self._read, file, entry.index)
        self.demands.add(facts.demand, Asker(facts.address, source, read))
        self.places[facts.address] = place
        if entry.minding:
            self.minding[facts.address] = entry.minding
        if entry.findings:
            subject = Subject(facts.address, facts.owner, facts.labels)
            tally.add(subject, verdicts_of(self.rules, entry))
        else:
            tally.add_plain(words_of(entry.letters))
        if listener is not None and not listener.passes(facts.address, entry.digest):
            listener.add(self._declared(file, entry, new))

    def _declared(self, file: Looked, entry: Entry, new: NewTask | None) -> Declared:
        facts = entry.facts
        return Declared(
            facts.address,
            entry.digest,
            self.reader.label(file.name),
            entry.line,
            partial(self._read, file, entry.index),
            facts.owner,
            facts.labels,
            facts.moved_from,
            new,
        )

    def _read(self, file: Looked, index: int) -> Located[Task]:
        """A task of a file as it was looked up. Raises ReconcilerError if it is another by now."""
        data = bytes_of(file, self.opened.files)
        read = self.reader.read(self.reader.file(file.name, data, file.digest))
        return dict(read.tasks)[index]

    def _open_index(self) -> SpecIndex | None:
        folder = cache_folder(self.opened.environment)
        if folder is None:
            return None
        if self._index_name is None:
            self._index_name = _ground(self)
        return SpecIndex(folder / "specs", self._index_name)


def _batches(folders: Iterable[SpecFolder]) -> Iterator[list[SpecFolder]]:
    """Folders, as many as hold the files of a batch."""
    batch: list[SpecFolder] = []
    for folder in folders:
        batch.append(folder)
        if _files(batch) >= _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _files(batch: Iterable[SpecFolder]) -> int:
    return sum(len(one.files if one.read is None else one.read.files) for one in batch)


def _noted(
    batches: Iterable[list[SpecFolder]], sent: deque[list[SpecFolder]]
) -> Iterator[list[SpecFolder]]:
    """The batches, each put aside for when it comes back: in the same order."""
    for batch in batches:
        sent.append(batch)
        yield batch


def _never(_address: str) -> bool:
    return False


def _always(_address: str, _digest: str) -> bool:
    return True


def _no_index() -> None:
    return None


def _ground(survey: Survey) -> str:
    """The digest of what all entries depend on: our own code, the workspace, the policies."""
    check = task_check(survey.opened)
    parts = [
        f"{ENTRY_VERSION} {__version__} {survey.policies.digest} {check.engine}",
        survey.opened.files.text(WORKSPACE_FILE),
        code_digest(Path(__file__).parents[2]),
    ]
    return digest_text("\0".join(parts)).removeprefix("sha256:")[:32]


def code_digest(package: Path, rooms: Iterable[str] = JUDGING) -> str:
    """A digest of our own code that reads and judges: who works on a rule must see what it says
    now. Below this floor that is nearly all; of this one it is the room that reads."""
    found = hashlib.sha256()
    for path in (path for room in rooms for path in sorted((package / room).rglob("*.py"))):
        found.update(path.read_bytes())
    return found.hexdigest()
