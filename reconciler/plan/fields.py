"""The changed fields of one task, each with both values, its cause and where it was written."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from reconciler.base.diagnostics import Location
from reconciler.base.source import RENDERED, Located, Source, spell_path
from reconciler.base.text import as_text
from reconciler.model.task import Task
from reconciler.plan.diff import Difference, differences, is_item, is_sensitive, leaves, value_at
from reconciler.plan.normalise import full_of
from reconciler.plan.parts import Document, FieldChange, Why

_Path = tuple[str | int, ...]
_IDENTITY = {("metadata", "name"), ("metadata", "registry"), ("apiVersion",), ("kind",)}


def field_changes(
    before: Document,
    after: Document,
    applied: Document | None = None,
    located: Located[Task] | None = None,
) -> tuple[FieldChange, ...]:
    """Fields from `before` to `after`, defaults written out.

    `applied` tells drift from a change of the spec.
    """
    full_before, full_after = full_of(before), full_of(after)
    found = differences(full_before, full_after)
    last = full_before if applied == before else full_of(applied) if applied is not None else None
    entries = {path: _entry_of(path, full_before, full_after) for path, _, _ in found}
    return tuple(
        _field_change(
            path,
            old,
            new,
            is_default=not entries[path] and value_at(after, path) is None,
            applied=last,
            located=located,
        )
        for path, old, new in _told(found, entries, before, after)
    )


def _told(
    found: list[Difference], entries: Mapping[_Path, _Path], before: Document, after: Document
) -> list[Difference]:
    """What a new timer has by default is no change of its own: what is written of it is told.

    Of a map that says nothing (`commit: {}`), its defaults are.
    """
    said = {path for path in entries if _is_said(path, before) or _is_said(path, after)}
    full = {path for path, old, new in found if old is not None or new is not None}
    for some in (said, full):
        telling = {entries[path] for path in some}
        found = [
            one
            for one in found
            if not entries[one[0]] or one[0] in some or entries[one[0]] not in telling
        ]
    return found


def _entry_of(path: _Path, before: Document, after: Document) -> _Path:
    """The map around a field that came or went as a whole; () if it is on both sides."""
    around = (path[:depth] for depth in range(1, len(path)))
    return next(
        (
            one
            for one in around
            if (value_at(before, one) is None) != (value_at(after, one) is None)
        ),
        (),
    )


def _is_said(path: _Path, document: Document) -> bool:
    return is_item(path) or value_at(document, path) is not None


def inherited_fields(document: Document, located: Located[Task]) -> tuple[FieldChange, ...]:
    """The fields of a new task that come from Defaults. The others are what its own file says."""
    inherited = located.source.inherited
    if inherited is None:
        return ()
    found = []
    for path, _, value in leaves(document):
        place = inherited(_as_written(path, value, located.value))
        if place is not None and path not in _IDENTITY:
            found.append(_new_field(path, value, "defaults", as_text(str(place))))
    return tuple(found)


def fields_of_new(target: Document, told: Iterable[FieldChange]) -> tuple[FieldChange, ...]:
    """Every field of a new task: those that are told already, the rest from its own file."""
    known = {field.path: field for field in told}
    return tuple(
        known.get(spell_path(path)) or _new_field(path, value, "spec", None)
        for path, _, value in leaves(target)
        if path not in _IDENTITY
    )


def _new_field(
    path: tuple[str | int, ...], value: Any, cause: Why, origin: str | None
) -> FieldChange:
    # A hundred thousand tasks share the fields of a few Defaults: the texts are held once.
    return FieldChange(
        path=sys.intern(spell_path(path)),
        after=value,
        sensitive=is_sensitive(path),
        cause=cause,
        origin=sys.intern(origin) if origin is not None else None,
    )


def _field_change(
    path: tuple[str | int, ...],
    old: Any,
    new: Any,
    *,
    is_default: bool,
    applied: Document | None,
    located: Located[Task] | None,
) -> FieldChange:
    source = located.source if located is not None else None
    written = _as_written(path, new, located.value) if located is not None else path
    place = source.locate(written) if source is not None else None
    # Where the spec did not change the field, live did.
    drifted = applied is not None and _was(applied, path, old, new)
    return FieldChange(
        path=spell_path(path),
        before=old,
        after=new,
        sensitive=is_sensitive(path),
        cause="drift" if drifted else _written_by(written, new, place, source, is_default),
        origin=as_text(str(place)) if place is not None else None,
    )


def _was(applied: Document, path: tuple[str | int, ...], old: Any, new: Any) -> bool:
    """True if the field had its new value when it was last applied."""
    if not is_item(path):
        return bool(value_at(applied, path) == new)
    items = value_at(applied, path[:-1]) or []
    return (new is None or new in items) and (old is None or old not in items)


def _as_written(path: tuple[str | int, ...], item: Any, task: Task) -> tuple[str | int, ...]:
    """The path in the order of the spec: documents have lists without order sorted."""
    if not is_item(path):
        return path
    items: Any = task
    for part in path[:-1]:
        items = _below(items, part)
    return (*path[:-1], items.index(item)) if item in (items or ()) else path[:-1]


def _below(value: Any, part: str | int) -> Any:
    """The value of a key as it is written, in a model, a map or a list; None if there is none."""
    if isinstance(value, BaseModel):
        return getattr(value, _names_of(type(value)).get(part, ""), None)
    if isinstance(value, dict):
        return value.get(part)
    return value[part] if isinstance(part, int) and value and part < len(value) else None


@functools.lru_cache(maxsize=128)
def _names_of(model: type[BaseModel]) -> dict[str | int, str]:
    return {field.alias or name: name for name, field in model.model_fields.items()}


def _written_by(
    path: tuple[str | int, ...],
    after: Any,
    place: Location | None,
    source: Source | None,
    is_default: bool,
) -> Why:
    if after is None:
        return "removed"
    if place is None or source is None:
        return "spec"
    if is_default and place == source.locate(path[:-1]):
        return "removed"  # nothing nearer is written than the map around it: a default is back
    if place.file != source.file:
        return "defaults"
    return "template" if source.file.endswith(RENDERED) else "spec"
