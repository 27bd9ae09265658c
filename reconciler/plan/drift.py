"""What was changed live since the last apply, and what becomes of each such field. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from reconciler.plan.change import Document, Drift, FieldChange
from reconciler.plan.fields import field_changes
from reconciler.plan.stored import Stored, Three, document_of

Fate = Literal["spec", "drift", "accepted"]


def drift_of(three: Three, applied: Stored | None, stored: Stored | None) -> Drift | None:
    """The drift of a declared task, or None if live is as last applied.

    Who changed it is known only if live was changed after the last apply: an apply that leaves
    drift alone writes the task, and hides who drifted it.
    """
    stored = _anonymous(stored) if _hidden_by_apply(stored, applied) else stored
    if three.applied is None or three.applied == three.live:
        return None
    address = three.previous or three.address
    if three.live is None:
        # Where the spec asks for something new, the task is made again.
        return Drift(
            address=address, kind="deleted", heal=three.heal or three.applied != three.declared
        )
    fields = field_changes(three.applied, three.live)
    if not three.heal:
        fields = _with_fates(three, three.live, fields)
    return _changed(address, fields, stored, heal=three.heal)


def _hidden_by_apply(live: Stored | None, applied: Stored | None) -> bool:
    if live is None or applied is None or live.changed_at is None or applied.changed_at is None:
        return False
    return live.changed_at <= applied.changed_at


def _anonymous(live: Stored | None) -> Stored | None:
    return None if live is None else Stored(live.document)


def drift_of_undeclared(address: str, applied: Stored, live: Stored | None) -> Drift | None:
    """The drift of a task that is about to be deleted, or None."""
    last, now = document_of(address, applied), document_of(address, live)
    if last is None or now is None or last == now:
        return None
    known = None if _hidden_by_apply(live, applied) else live
    return _changed(address, field_changes(last, now), known, heal=True)


def _with_fates(
    three: Three, live: Document, fields: tuple[FieldChange, ...]
) -> tuple[FieldChange, ...]:
    asked = {field.path for field in field_changes(live, three.declared)}
    written = {field.path for field in field_changes(live, three.target)}

    def fate(path: str) -> Fate:
        if path not in asked:
            return "accepted"
        return "spec" if path in written else "drift"

    return tuple(replace(field, cause=fate(field.path)) for field in fields)


def _changed(
    address: str, fields: tuple[FieldChange, ...], stored: Stored | None, *, heal: bool
) -> Drift:
    return Drift(
        address=address,
        kind="changed",
        heal=heal,
        paths=fields,
        changed_by=stored.changed_by if stored else None,
        changed_at=stored.changed_at if stored else None,
    )
