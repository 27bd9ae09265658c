"""Declared, last applied and live tasks to changes and drift. Pure.

For each address the three are compared by hash first; only what differs is looked at closer.
| declared | applied | live | outcome |
| yes | any | no | create (or drift "deleted", if the spec asks for nothing new) |
| yes | no | yes | update from live: an existing task is adopted |
| yes | yes | yes | update where the spec changed since the last apply; the rest is drift |
| no | yes | any | delete |
| no | no | yes | unmanaged, left alone |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import ValidationError

from reconciler.base.canonical import canonical_json, digest_text
from reconciler.base.source import Located
from reconciler.model.task import Task
from reconciler.plan.change import Action, Change, Document, Drift, FieldChange
from reconciler.plan.fields import field_changes
from reconciler.plan.merge import keep_drift
from reconciler.plan.normalise import canonical_document, document_hash, stored_document


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored document (canonical JSON text) and who stored it when; `file` wrote it."""

    document: str
    changed_by: str | None = None
    changed_at: datetime | None = None
    file: str | None = None


@dataclass(slots=True)
class Comparison:
    """The outcome: changes, drift, counts, and the source of each changed task."""

    changes: list[Change] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)
    unmanaged: list[str] = field(default_factory=list)
    declared: int = 0
    unchanged: int = 0
    sources: dict[str, Located[Task]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Three:
    """One task in its three states. The declared one always exists here."""

    located: Located[Task]
    previous: str | None
    declared: Document
    applied: Document | None
    live: Document | None
    heal: bool

    @property
    def address(self) -> str:
        """The address that is declared."""
        return self.located.value.address

    @property
    def target(self) -> Document:
        """What is to be live afterwards."""
        if self.heal or self.applied is None or self.live is None:
            return self.declared
        merged = keep_drift(self.applied, self.declared, self.live)
        try:
            return canonical_document(Task.model_validate(merged))
        except ValidationError:
            # Drift and the new spec do not fit together: the spec decides.
            return self.declared


class Comparer:
    """Is shown every declared task once; `finish` adds what is no longer declared."""

    def __init__(
        self, applied: Mapping[str, Stored], live: Mapping[str, Stored], *, heal: bool = False
    ) -> None:
        self._applied, self._live, self._heal = applied, live, heal
        self._seen: set[str] = set()
        self._result = Comparison()

    def add(self, located: Located[Task]) -> None:
        """Compare one declared task."""
        task, result = located.value, self._result
        previous = _former_address(task, self._applied, self._live)
        self._seen.add(task.address)
        if previous is not None:
            self._seen.add(previous)
        result.declared += 1
        old = previous or task.address
        declared = canonical_document(task)
        applied, live = self._applied.get(old), self._live.get(old)
        text = canonical_json(declared)
        if previous is None and _same(text, applied) and _same(text, live):
            result.unchanged += 1
            return
        heal = self._heal or task.spec.drift_policy == "heal"
        three = _Three(located, previous, declared, _document(applied), _document(live), heal)
        _add_drift(three, live, result)
        change = _change(three)
        if change is None:
            result.unchanged += 1
            return
        result.changes.append(change)
        result.sources[task.address] = located

    def finish(self) -> Comparison:
        """The outcome, changes in the order of addresses, deletes included."""
        _compare_undeclared(self._seen, self._applied, self._live, self._result)
        self._result.changes.sort(key=lambda change: change.address)
        self._result.drift.sort(key=lambda drift: drift.address)
        return self._result


def compare(
    declared: Iterable[Located[Task]],
    applied: Mapping[str, Stored],
    live: Mapping[str, Stored],
    *,
    heal: bool = False,
) -> Comparison:
    """Compare all tasks at once."""
    comparer = Comparer(applied, live, heal=heal)
    for located in declared:
        comparer.add(located)
    return comparer.finish()


def _former_address(
    task: Task, applied: Mapping[str, Stored], live: Mapping[str, Stored]
) -> str | None:
    if task.address in applied or task.address in live:
        return None  # the rename is done; movedFrom may stay in the file
    for name in task.metadata.moved_from:
        former = f"{task.metadata.registry}/{name}"
        if former in applied:
            return former
    return None


def _same(text: str, stored: Stored | None) -> bool:
    return stored is not None and stored.document == text


def _document(stored: Stored | None) -> Document | None:
    return None if stored is None else stored_document(stored.document)


def _change(three: _Three) -> Change | None:
    if three.live is None:
        if three.applied == three.declared and not three.heal:
            return None  # deleted behind our back: drift, and not ours to undo
        return _declared_change(three, Action.CREATE, three.declared)
    if three.previous is not None:
        return _declared_change(three, Action.RENAME, three.target)
    target = three.target
    if target != three.live:
        return _declared_change(three, Action.UPDATE, target)
    if three.applied != three.declared:
        return _declared_change(three, Action.NO_OP, target)  # only to be remembered
    return None


def _declared_change(three: _Three, action: Action, target: Document) -> Change:
    return Change(
        address=three.address,
        action=action,
        previous_address=three.previous,
        adopts=three.applied is None and three.live is not None,
        fields=field_changes(three.live, target, three.applied, three.located.source),
        live_hash=document_hash(three.live) if three.live is not None else None,
        base=three.live,
        target=target,
        applied=three.declared,
    )


def _add_drift(three: _Three, live: Stored | None, result: Comparison) -> None:
    if three.applied is None or three.applied == three.live:
        return
    old = three.previous or three.address
    target = None if three.heal else three.target
    result.drift.append(_drift(old, three.applied, live, heal=three.heal, target=target))


def _fates(
    live: Document, target: Document | None, fields: tuple[FieldChange, ...]
) -> tuple[FieldChange, ...]:
    """Each drifted field with its fate: `drift` if it stands, `spec` if the spec changes it too."""
    moved = {field.path for field in field_changes(live, target)} if target else set()
    return tuple(
        field.model_copy(update={"cause": "spec" if field.path in moved else "drift"})
        for field in fields
    )


def _drift(
    address: str,
    applied: Document,
    stored: Stored | None,
    *,
    heal: bool,
    target: Document | None = None,
) -> Drift:
    if stored is None:
        return Drift(address=address, kind="deleted", heal=heal)
    live = stored_document(stored.document)
    return Drift(
        address=address,
        kind="changed",
        heal=heal,
        fields=_fates(live, target, field_changes(applied, live)),
        changed_by=stored.changed_by,
        changed_at=stored.changed_at,
    )


def _compare_undeclared(
    seen: set[str], applied: Mapping[str, Stored], live: Mapping[str, Stored], result: Comparison
) -> None:
    for address in sorted({*applied, *live} - seen):
        if address not in applied:
            result.unmanaged.append(address)
            continue
        last, now = _document(applied[address]), _document(live.get(address))
        if last is not None and now is not None and last != now:
            result.drift.append(_drift(address, last, live[address], heal=True))
        result.changes.append(
            Change(
                address=address,
                action=Action.DELETE,
                live_hash=document_hash(now) if now is not None else None,
                base=now,
            )
        )


def digest_of_live(live: Mapping[str, Stored]) -> str:
    """One digest over all live documents, by address."""
    return digest_text("\n".join(f"{key} {live[key].document}" for key in sorted(live)))
