"""The pass over all specs: each is read, judged and compared once, and only while it is new.

Files come in order with their bytes. What a file says is looked up by its content in the index;
what is not there is examined, in several processes where there is enough of it. What follows needs
all tasks in their order, and is done here: collisions, counts, comparing.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Protocol

from reconciler import __version__
from reconciler.adapters.workers import Workers, processors
from reconciler.base.canonical import digest_text
from reconciler.base.source import Located, Source
from reconciler.loader.crosscheck import CrossCheck
from reconciler.loader.policies import PolicySet
from reconciler.loader.specs import SpecFile, SpecReader
from reconciler.loader.workspace import WORKSPACE_FILE
from reconciler.model.task import Task
from reconciler.operations.reading.demands import Demands
from reconciler.operations.reading.examine import (
    ENTRY_VERSION,
    Entry,
    Examined,
    Examiner,
    addresses_of,
    entries_of,
    verdicts_of,
    words_of,
)
from reconciler.operations.reading.gather import task_check
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.declared import Declared, NewTask
from reconciler.policy.evaluate import RuleSet
from reconciler.policy.rule import Subject
from reconciler.policy.waivers import Tally
from reconciler.store.spec_index import SpecIndex, cache_folder

# Below so many files neither an index nor a second process gains anything.
_MANY = 64
# Files in one question to the index, and in one batch for a worker.
_WINDOW = 500
_BATCH = 50
_COUNTED = 100
_DECODE = json.JSONDecoder().raw_decode  # loads() looks at more than it needs to

_JUDGING = ("base", "model", "loader", "taskfile", "policy", "plan", "operations/reading")

Place = tuple[str, int, int]


class Listener(Protocol):
    """Who is shown every usable task, and wants the documents of those that are new to it."""

    def add(self, task: Declared) -> None:
        """A declared task."""

    def is_new(self, address: str) -> bool:
        """True if the document of a task will be asked for."""


@dataclass(slots=True)
class Survey:
    """All declared tasks as one pass. The counts are complete once `run` returned.

    `places` tells where the task of an address stands: file, index of the document, line.
    """

    opened: OpenWorkspace
    policies: PolicySet
    rules: RuleSet
    today: date
    reader: SpecReader = field(init=False)
    check: CrossCheck = field(default_factory=CrossCheck)
    demands: Demands = field(default_factory=Demands)
    places: dict[str, Place] = field(default_factory=dict)

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
            files = self.reader.walk()
            examined: Iterator[tuple[SpecFile, Examined]]
            is_new = listener.is_new if listener is not None else _never
            first = list(itertools.islice(files, _MANY))
            if len(first) < _MANY:
                examined = ((file, examiner.examine(file)) for file in first)
            else:
                everything = itertools.chain(first, files)
                examined = _Many(self, examiner, is_new, stack).examined(everything)
            for number, (file, found) in enumerate(examined):
                if number % _COUNTED == 0:
                    self.opened.counts(self.reader.spec_count)
                self._take(file, found, tally, listener)
        self.opened.counts(None)

    def _take(
        self,
        file: SpecFile,
        examined: Examined,
        tally: Tally,
        listener: Listener | None,
    ) -> None:
        self.reader.note(file.name, examined.specs, examined.diagnostics, examined.rendered)
        for entry, new in zip_longest(entries_of(examined), examined.new):
            facts = entry.facts
            place = (file.name, entry.index, entry.line)
            source = partial(self.reader.source, *place)
            if not self.check.add(facts, source):
                continue
            self.demands.add(facts.demand, facts.address, source)
            self.places[facts.address] = place
            if entry.findings:
                subject = Subject(facts.address, facts.owner, facts.labels)
                tally.add(subject, verdicts_of(self.rules, entry))
            else:
                tally.add_plain(words_of(entry.letters))
            if listener is not None:
                listener.add(self._declared(file, entry, new))

    def _declared(self, file: SpecFile, entry: Entry, new: NewTask | None) -> Declared:
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

    def _read(self, file: SpecFile, index: int) -> Located[Task]:
        """A task of a file whose bytes are at hand: nothing can have changed it meanwhile."""
        return dict(self.reader.read(file).tasks)[index]


class _Many:
    """Examines many files: by the index first, then in batches, the order kept."""

    def __init__(
        self,
        survey: Survey,
        examiner: Examiner,
        is_new: Callable[[str], bool],
        stack: ExitStack,
    ) -> None:
        self._examiner, self._today, self._stack = examiner, survey.today, stack
        self._is_new = is_new
        self._index: SpecIndex | None = None
        self._chains: dict[int, str] = {}
        folder = cache_folder(survey.opened.environment)
        if folder is not None:
            index = SpecIndex(folder / "specs", _ground(survey))
            self._index = stack.enter_context(closing(index))

    def examined(self, files: Iterator[SpecFile]) -> Iterator[tuple[SpecFile, Examined]]:
        """Every file with what it comes to.

        While workers examine what is new, the files after it are read and looked up.
        """
        waiting: deque[tuple[SpecFile, bytes, Examined | None]] = deque()
        for fresh in self._fresh(self._batches(files, waiting)):
            left = iter(fresh)
            while waiting:
                file, key, examined = waiting[0]
                if examined is None:
                    examined = next(left, None)
                    if examined is None:
                        break
                    self._keep(key, examined)
                waiting.popleft()
                yield file, examined

    def _batches(
        self, files: Iterator[SpecFile], waiting: deque[tuple[SpecFile, bytes, Examined | None]]
    ) -> Iterator[list[SpecFile]]:
        """What is new, in batches; every file goes to `waiting`, in order.

        A batch is empty where many files are known: they wait for nobody, and memory is kept.
        """
        batch: list[SpecFile] = []
        while window := list(itertools.islice(files, _WINDOW)):
            keys = {file.name: self._key(file) for file in window}
            known = self._known(keys)
            for file in window:
                examined = known.get(file.name)
                waiting.append((file, keys[file.name], examined))
                if examined is None:
                    batch.append(file)
                if len(batch) == _BATCH:
                    yield batch
                    batch = []
            if not batch:
                yield batch
        yield batch

    def _fresh(self, batches: Iterator[list[SpecFile]]) -> Iterator[list[Examined]]:
        """What batches come to. The first are done here: few of them need no other process."""
        here = 0
        for batch in batches:
            here += len(batch)
            if here >= _MANY and processors() > 1:
                workers = Workers(self._examiner, processors())
                self._stack.callback(workers.close)
                yield from workers.map(itertools.chain([batch], batches))
                return
            yield self._examiner(batch)

    # ------------------------------------------------------------------ index
    def _key(self, file: SpecFile) -> bytes:
        """What the entry of a file depends on, beside what all of them depend on."""
        chain = self._chains.get(id(file.chain))
        if chain is None:
            chain = self._chains[id(file.chain)] = file.chain.digest
        kind = "template" if file.is_template else "plain"
        return hashlib.sha256(f"{kind} {chain} ".encode() + file.digest).digest()

    def _known(self, keys: dict[str, bytes]) -> dict[str, Examined]:
        if self._index is None:
            return {}
        found = self._index.get(list(keys.values()))
        read = {name: _from_text(found[key]) for name, key in keys.items() if key in found}
        return {
            name: examined
            for name, examined in read.items()
            if examined is not None and examined.since <= self._today < examined.until
            if not any(map(self._is_new, addresses_of(examined)))
        }

    def _keep(self, key: bytes, examined: Examined) -> None:
        """A file in which anything is wrong is read anew each time: its places are told."""
        if self._index is not None and not examined.diagnostics:
            self._index.put(key, _to_text(examined))


def _never(_address: str) -> bool:
    return False


def _to_text(examined: Examined) -> str:
    days = f"{examined.since.isoformat()} {examined.until.isoformat()}"
    text = f"{days} {examined.specs} {json.dumps(examined.rows)}"
    return f"{_checksum(text)} {text}"


def _from_text(text: str) -> Examined | None:
    """What was kept; None if it is damaged."""
    checksum, _, rest = text.partition(" ")
    if _checksum(rest) != checksum:
        return None
    since, until, specs, rows = rest.split(" ", 3)
    days = date.fromisoformat(since), date.fromisoformat(until)
    return Examined(_DECODE(rows)[0], *days, int(specs))


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"  # finds damage; who can write it need not forge it


def _ground(survey: Survey) -> str:
    """The digest of what all entries depend on: our own code, the workspace, the policies."""
    check = task_check(survey.opened)
    parts = [
        f"{ENTRY_VERSION} {__version__} {survey.policies.digest} {check.engine}",
        survey.opened.files.text(WORKSPACE_FILE),
        code_digest(Path(__file__).parents[2]),
    ]
    return digest_text("\0".join(parts)).removeprefix("sha256:")[:32]


def code_digest(package: Path) -> str:
    """A digest of our own code that reads and judges: who works on a rule must see what it says
    now. Below this floor that is nearly all; of this one it is the room that reads."""
    found = hashlib.sha256()
    for path in (path for room in _JUDGING for path in sorted((package / room).rglob("*.py"))):
        found.update(path.read_bytes())
    return found.hexdigest()
