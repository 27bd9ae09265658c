"""Declared, last applied and live tasks to changes and drift. Pure.

For each address the three are compared by text first; only what differs is looked at closer.
| declared | applied | live | outcome |
| yes | any | no | create (or drift "deleted", if the spec asks for nothing new) |
| yes | no | yes | update from live: an existing task is adopted |
| yes | yes | yes | update where the spec changed since the last apply; the rest is drift |
| no | yes | any | delete |
| no | no | yes | unmanaged, left alone |
A live task that cannot be read is drift, see plan/unreadable.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.base.source import Located
from reconciler.base.text import as_text
from reconciler.model.task import Task
from reconciler.plan.change import Action, Cause, Change, Document, Drift, Frozen
from reconciler.plan.declared import Declared, NewTask
from reconciler.plan.drift import drift_of, drift_of_undeclared
from reconciler.plan.fields import field_changes
from reconciler.plan.normalise import canonical_document
from reconciler.plan.stored import Stored, StoredTasks, Three, document_of, is_readable
from reconciler.plan.unreadable import (
    deleted,
    drift_of_unreadable,
    overwritten,
    unreadable_drift,
)

__all__ = ["Comparer", "Comparison", "Stored", "compare", "former_address", "is_everywhere"]


@dataclass(slots=True)
class Comparison:
    """The outcome: changes, drift, counts, and by address where each changed task is declared."""

    changes: list[Change] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)
    unmanaged: list[str] = field(default_factory=list)
    declared: int = 0
    unchanged: int = 0
    places: dict[str, tuple[str, int]] = field(default_factory=dict)


class Comparer:
    """Is shown every declared task once; `finish` adds what is no longer declared.

    `untracked` are applied tasks of which it has to be written down what they stand on.
    """

    def __init__(
        self,
        applied: Mapping[str, Stored],
        live: Mapping[str, Stored],
        *,
        heal: bool = False,
        untracked: Collection[str] = (),
    ) -> None:
        self._applied, self._live = StoredTasks.known(applied), StoredTasks.known(live)
        self._heal, self._untracked = heal, untracked
        self._seen: set[str] = set()
        self._result = Comparison()

    def add(self, task: Declared) -> None:
        """Compare one declared task. Raises StateUnusable if a last applied one cannot be read.

        By digests first: only a task that is not everywhere as it is declared is read.
        """
        result = self._result
        previous = former_address(task, self._applied, self._live)
        self._seen.add(task.address)
        result.declared += 1
        if previous is None and self.is_same(task.address, task.digest):
            result.unchanged += 1
            return
        if previous is None and self.is_new(task.address):
            result.changes.append(_new(task, task.new or NewTask.of(task.read())))
            result.places[task.address] = (task.file, task.line)
            return
        self._seen.add(previous or task.address)
        located = task.read()
        live = self._live.get(previous or task.address)
        three = self._three(located, previous, canonical_document(located.value), live)
        change = self._examine(three, task, live)
        if change is None:
            result.unchanged += 1
            return
        result.changes.append(change)
        result.places[task.address] = (located.source.file, located.source.line)

    def _examine(self, three: Three, task: Declared, live: Stored | None) -> Change | None:
        """Note the drift of a task; its change, if there is one."""
        if live is not None and three.live is None:
            self._result.drift.append(drift_of_unreadable(three, live))
            return overwritten(three, live)
        old = three.previous or task.address
        drift = drift_of(three, self._applied.get(old), live)
        if drift is not None:
            self._result.drift.append(drift)
        change = _change(three, task)
        if change is None and task.address in self._untracked and three.live is not None:
            return replace(_changed(three, Action.NO_OP, three.live), tracks=True)
        return change

    def is_new(self, address: str) -> bool:
        """True if a task is stored nowhere."""
        return address not in self._applied and address not in self._live

    def is_same(self, address: str, digest: str) -> bool:
        """True if a document is everywhere what is stored, and there is nothing to write down."""
        if address in self._untracked:
            return False
        return self._applied.digest(address) == digest == self._live.digest(address)

    def passes(self, address: str, digest: str) -> bool:
        """Count a task that is everywhere as declared; False if it has to be added.

        A former address plays no part: the task is applied under its own.
        """
        if not self.is_same(address, digest):
            return False
        self._seen.add(address)
        self._result.declared += 1
        self._result.unchanged += 1
        return True

    def finish(self) -> Comparison:
        """The outcome, in the order of addresses, deletes included."""
        self._compare_undeclared()
        self._result.changes.sort(key=lambda change: change.address)
        self._result.drift.sort(key=lambda drift: drift.address)
        return self._result

    def _three(
        self,
        located: Located[Task],
        previous: str | None,
        declared: Document,
        live: Stored | None,
    ) -> Three:
        old = previous or located.value.address
        heal = self._heal or located.value.spec.drift_policy == "heal"
        last = self._applied.get(old)
        applied = document_of(old, last)
        if live is not None and last is not None and live.document == last.document:
            found = applied  # most are live as they were applied: read once
        else:
            found = document_of(old, live) if is_readable(live) else None
        return Three(located, previous, declared, applied, found, heal)

    def _compare_undeclared(self) -> None:
        for address in sorted({*self._applied, *self._live} - self._seen):
            if address not in self._applied:
                self._result.unmanaged.append(address)
                continue
            live, applied = self._live.get(address), self._applied[address]
            if live is not None and not is_readable(live):
                last = document_of(address, applied) or {}
                self._result.drift.append(unreadable_drift(address, live, heal=True))
                self._result.changes.append(deleted(address, last, live))
                continue
            drift = drift_of_undeclared(address, applied, live)
            if drift is not None:
                self._result.drift.append(drift)
            self._result.changes.append(_delete(address, document_of(address, live)))


def compare(
    declared: Iterable[Located[Task]],
    applied: Mapping[str, Stored],
    live: Mapping[str, Stored],
    *,
    heal: bool = False,
) -> Comparison:
    """Compare all tasks at once. Raises StateUnusable."""
    comparer = Comparer(applied, live, heal=heal)
    for located in declared:
        comparer.add(Declared.of(located))
    return comparer.finish()


def former_address(
    task: Declared, applied: Mapping[str, Stored], live: Mapping[str, Stored]
) -> str | None:
    """The address that a declared task still has in the stores, if it is to be renamed."""
    if not task.moved_from or task.address in applied or task.address in live:
        return None  # the rename is done; movedFrom may stay in the file
    return next((former for former in task.moved_from if former in applied), None)


def is_everywhere(task: Declared, applied: StoredTasks, live: StoredTasks) -> bool:
    """True if a task is as declared where it was applied and where it is live."""
    address = task.address
    return applied.digest(address) == task.digest == live.digest(address)


def _change(three: Three, task: Declared) -> Change | None:
    if three.live is None:
        if three.applied == three.declared and not three.heal:
            return None  # deleted behind our back: drift, and not ours to undo
        return replace(_new(task, NewTask.of(three.located)), previous_address=three.previous)
    if three.previous is not None:
        return _changed(three, Action.RENAME, three.live)
    if three.target != three.live:
        return _changed(three, Action.UPDATE, three.live)
    if three.applied != three.declared:
        return _changed(three, Action.NO_OP, three.live)  # only to be remembered
    return None


def _new(task: Declared, new: NewTask) -> Change:
    return Change(
        address=task.address,
        action=Action.CREATE,
        paths=new.inherited,
        cause=Cause(file=as_text(task.file), line=task.line),
        target=new.document,
    )


def _changed(three: Three, action: Action, live: Document) -> Change:
    target, base = three.target, Frozen.of(live)
    wanted, declared = Frozen.of(target), Frozen.of(three.declared)
    return Change(
        address=three.address,
        action=action,
        previous_address=three.previous,
        adopts=three.applied is None,
        paths=field_changes(live, target, three.applied, three.located),
        live_hash=base.digest,
        base=base,
        target=wanted,
        applied=None if declared == wanted else declared,
    )


def _delete(address: str, live: Document | None) -> Change:
    base = Frozen.of(live) if live is not None else None
    return Change(
        address=address,
        action=Action.DELETE,
        live_hash=base.digest if base is not None else None,
        base=base,
    )
