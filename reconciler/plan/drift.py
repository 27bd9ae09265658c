"""What was changed live since the last apply, and what becomes of each such field. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from reconciler.plan.change import Document, Drift, FieldChange
from reconciler.plan.fields import field_changes
from reconciler.plan.parts import Blame
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
    by = stored.changed_by if stored else None
    at = stored.changed_at if stored else None
    if by is not None:
        blame = Blame(of="live", author=by, committed=at)
        fields = tuple(replace(field, blame=blame) for field in fields)
    return Drift(
        address=address, kind="changed", heal=heal, paths=fields, changed_by=by, changed_at=at
    )


def with_earlier(drift: Drift, left: Iterable[FieldChange]) -> Drift:
    """The drift, with who made what an apply of ours left alone (`left`), and so hides.

    A field that changed again since is of whoever wrote the live task last.
    """
    known = {one.path: one for one in left if one.blame is not None}
    if drift.kind != "changed" or not known:
        return drift

    def told(field: FieldChange) -> FieldChange:
        earlier = known.get(field.path)
        same = earlier is not None and earlier.after == field.after
        return replace(field, blame=earlier.blame) if earlier is not None and same else field

    paths = tuple(map(told, drift.paths))
    blames = [field.blame for field in paths if field.blame is not None]
    if drift.changed_by is not None or not blames:
        return drift.model_copy(update={"paths": paths})
    last = max(blames, key=lambda blame: blame.committed.timestamp() if blame.committed else 0)
    facts = {"paths": paths, "changed_by": last.author, "changed_at": last.committed}
    return drift.model_copy(update=facts)


def left_alone(drift: Drift) -> tuple[FieldChange, ...]:
    """What of a drift stays live, where its author is known."""
    if drift.heal:
        return ()
    return tuple(
        field for field in drift.paths if field.cause == "drift" and field.blame is not None
    )
