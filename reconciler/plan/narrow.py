"""A comparison of the chosen tasks alone; what is left out is counted, never in silence. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from reconciler.plan.build import Comparer, Comparison, former_address, is_everywhere
from reconciler.plan.declared import Declared
from reconciler.plan.normalise import canonical_document
from reconciler.plan.parts import Document
from reconciler.plan.selection import Facts, Hits, LeftOut, LeftOutBase, Selection, plain_file
from reconciler.plan.stored import Stored, StoredTasks


class Narrowed:
    """Stands before a Comparer, is shown every declared task, and passes the chosen ones on."""

    def __init__(
        self,
        selection: Selection,
        applied: Mapping[str, Stored],
        live: Mapping[str, Stored],
        *,
        heal: bool = False,
        untracked: Collection[str] = (),
    ) -> None:
        self._selection, self._heal, self._untracked = selection, heal, untracked
        self._applied, self._live = StoredTasks.known(applied), StoredTasks.known(live)
        self._chosen: list[Declared] = []
        self._left: set[str] = set()
        self._hits = Hits(selection)
        self._declared: set[str] = set()
        self._tasks = self._differing = 0
        self._differ: list[Declared] = []

    def add(self, task: Declared) -> None:
        """Compare one declared task if it is chosen. Raises StateUnusable."""
        former = former_address(task, self._applied, self._live)
        own = (task.address,) if former is None else (task.address, former)
        self._declared.update(own)
        if self._chooses(Facts(own, task.owner, task.labels, task.file)):
            self._chosen.append(task)
        else:
            differs = not is_everywhere(task, self._applied, self._live)
            self._leave(own, differs=differs)
            if differs:
                self._differ.append(task)

    def is_new(self, address: str) -> bool:
        """True if a task is stored nowhere."""
        return address not in self._applied and address not in self._live

    def is_same(self, address: str, digest: str) -> bool:
        """True if a document is everywhere what is stored, and there is nothing to write down."""
        if address in self._untracked:
            return False
        return self._applied.digest(address) == digest == self._live.digest(address)

    def passes(self, _address: str, _digest: str) -> bool:
        """False: who is chosen is told by more."""
        return False

    def finish(self) -> Comparison:
        """The outcome for the chosen tasks. Raises WrongUsage (a selector fits none)."""
        for facts in self._undeclared():
            if not self._chooses(facts):
                self._leave(facts.addresses, differs=facts.addresses[0] in self._applied)
        self._hits.refuse_misses()
        # The comparer takes what is stored and was not shown for undeclared.
        applied, live = (one.without(self._left) for one in (self._applied, self._live))
        comparer = Comparer(applied, live, heal=self._heal, untracked=self._untracked)
        for task in self._chosen:
            comparer.add(task)
        return comparer.finish()

    def _undeclared(self) -> list[Facts]:
        """What selectors ask of tasks that are stored alone, with the files they stood in last."""
        found = [
            stored_facts(address, self._applied.get(address), self._live.get(address))
            for address in sorted({*self._applied, *self._live} - self._declared)
        ]
        since = self._selection.since
        if since is None:
            return found
        moved = since.moved(facts.file for facts in found if facts.file)
        return [
            replace(facts, file=moved.get(plain_file(facts.file), facts.file)) for facts in found
        ]

    def differing(self) -> Iterator[tuple[str, Document]]:
        """The declared tasks that are left out and differ, by address. Reads each."""
        for task in self._differ:
            yield task.address, canonical_document(task.read().value)

    def left_out(self, bases: Mapping[str, Iterable[str]]) -> LeftOut:
        """What is not told of; complete once `finish` was called.

        `bases` are addresses among `differing` that chosen ones build on, with those.
        """
        since = self._selection.since
        return LeftOut(
            target=tuple(one.text for one in self._selection.targets),
            exclude=tuple(one.text for one in self._selection.excludes),
            since=since.ref if since else None,
            since_commit=since.commit if since else None,
            tasks=self._tasks,
            differing=self._differing,
            bases=tuple(
                LeftOutBase(address=address, needed_by=tuple(sorted(bases[address])))
                for address in sorted(bases)
            ),
        )

    def _chooses(self, facts: Facts) -> bool:
        self._hits.see(facts)
        return self._selection.selects(facts)

    def _leave(self, addresses: tuple[str, ...], *, differs: bool) -> None:
        self._tasks += 1
        self._differing += differs
        self._left.update(addresses)


def stored_facts(address: str, applied: Stored | None, live: Stored | None) -> Facts:
    """The facts of a stored task: by what was applied, else by what is live."""
    metadata = _metadata(applied or live)
    owner, labels = metadata.get("owner"), metadata.get("labels")
    return Facts(
        (address,),
        owner if isinstance(owner, str) else None,
        {key: str(text) for key, text in labels.items()} if isinstance(labels, dict) else {},
        applied.file if applied else None,
    )


def _metadata(stored: Stored | None) -> dict[str, Any]:
    """What cannot be read has no owner and no labels: the comparer says so if it is chosen."""
    try:
        metadata = json.loads(stored.document if stored else "{}")["metadata"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return {}
    return metadata if isinstance(metadata, dict) else {}
