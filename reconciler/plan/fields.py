"""The changed fields of one task, each with both values, its cause and where it was written."""

from __future__ import annotations

from typing import Any

from reconciler.base.source import RENDERED, Source, spell_path
from reconciler.base.text import as_text
from reconciler.plan.diff import differences, is_sensitive, leaves
from reconciler.plan.normalise import full_of
from reconciler.plan.parts import Document, FieldChange, Why

_IDENTITY = {("metadata", "name"), ("metadata", "registry"), ("apiVersion",), ("kind",)}


def field_changes(
    before: Document | None,
    after: Document,
    applied: Document | None = None,
    source: Source | None = None,
) -> tuple[FieldChange, ...]:
    """Fields from `before` (None: the task is new) to `after`, defaults written out.

    A new task shows what it declares, not what it leaves at its default. `applied` tells drift
    from a change of the spec.
    """
    found = leaves(after) if before is None else differences(full_of(before), full_of(after))
    last = full_of(applied) if applied is not None else None
    return tuple(
        _field_change(path, old, new, after=after, applied=last, source=source)
        for path, old, new in found
        if before is not None or path not in _IDENTITY
    )


def _field_change(
    path: tuple[str | int, ...],
    old: Any,
    new: Any,
    *,
    after: Document,
    applied: Document | None,
    source: Source | None,
) -> FieldChange:
    place = source.locate(path) if source is not None else None
    # Where the spec did not change the field, live did.
    drifted = applied is not None and _value_at(applied, path) == new
    is_default = _value_at(after, path) is None
    return FieldChange(
        path=spell_path(path),
        before=old,
        after=new,
        sensitive=is_sensitive(path),
        cause="drift" if drifted else _written_by(path, new, source, is_default=is_default),
        origin=as_text(str(place)) if place is not None else None,
    )


def _written_by(
    path: tuple[str | int, ...], after: Any, source: Source | None, *, is_default: bool
) -> Why:
    if after is None:
        return "removed"
    if source is None:
        return "spec"
    place = source.locate(path)
    if is_default and place == source.locate(path[:-1]):
        return "removed"  # nothing nearer is written than the map around it: a default is back
    if place.file != source.file:
        return "defaults"
    return "template" if source.file.endswith(RENDERED) else "spec"


def _value_at(document: Document, path: tuple[str | int, ...]) -> Any:
    here: Any = document
    for part in path:
        held = here if isinstance(here, dict) else dict(enumerate(here or ()))
        if part not in held:
            return None
        here = held[part]
    return here
