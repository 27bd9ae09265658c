"""Drift that the workspace has on its list is set apart until the day its entry ends. Pure."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from reconciler.model.workspace import KnownDrift as Entry
from reconciler.plan.change import Drift
from reconciler.plan.facts import KnownDrift
from reconciler.plan.parts import FieldChange
from reconciler.plan.stored import Stored


@dataclass(slots=True)
class Sorted:
    """Drift that counts, drift that is known, and the places of entries that nothing matches."""

    drift: list[Drift] = field(default_factory=list)
    known: list[KnownDrift] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)


def set_apart(
    found: Iterable[Drift],
    entries: Sequence[tuple[str, Entry]],
    applied: Mapping[str, Stored],
    today: date,
) -> Sorted:
    """Sort drift by the workspace's list: entries with their place, file:line:column.

    A task may be in both heaps: field by field the first entry that is not over decides. What only
    an entry that is over names counts, and says since when.
    """
    result, used = Sorted(), set[int]()
    for drift in found:
        mine = _entries_of(drift, entries, applied) if entries else []
        used |= {number for number, _ in mine if _concerns(entries[number][1], drift)}
        _sort(drift, [entry for _, entry in mine], today, result)
    result.unused = [place for number, (place, _) in enumerate(entries) if number not in used]
    return result


def _entries_of(
    drift: Drift, entries: Sequence[tuple[str, Entry]], applied: Mapping[str, Stored]
) -> list[tuple[int, tuple[str, Entry]]]:
    stored = applied.get(drift.address)  # what cannot be read may never have been applied
    metadata = json.loads(stored.document)["metadata"] if stored is not None else {}
    owner, labels = metadata.get("owner"), metadata.get("labels") or {}
    return [
        (number, item)
        for number, item in enumerate(entries)
        if item[1].match.selects(drift.address, owner, labels)
    ]


def _sort(drift: Drift, entries: list[tuple[str, Entry]], today: date, result: Sorted) -> None:
    if drift.kind != "changed":
        whole = [item for item in entries if item[1].field is None]
        valid = [item for item in whole if today <= item[1].expires]
        if valid:
            result.known.append(_known(drift, (), valid[0]))
        else:
            result.drift.append(_counted(drift, (), [entry for _, entry in whole]))
        return
    left: list[FieldChange] = []
    ended: list[Entry] = []
    heaps: dict[str, tuple[tuple[str, Entry], list[FieldChange]]] = {}
    for path in drift.paths:
        mine = [item for item in entries if _names(item[1], path)]
        first = next((item for item in mine if today <= item[1].expires), None)
        if first is None:
            left.append(path)
            ended += [entry for _, entry in mine]
        else:
            heaps.setdefault(first[0], (first, []))[1].append(path)
    result.known += [_known(drift, tuple(paths), item) for item, paths in heaps.values()]
    if left:
        result.drift.append(_counted(drift, tuple(left), ended))


def _concerns(entry: Entry, drift: Drift) -> bool:
    return entry.field is None or any(_names(entry, path) for path in drift.paths)


def _names(entry: Entry, path: FieldChange) -> bool:
    return entry.field is None or fnmatch.fnmatchcase(path.path, entry.field)


def _known(drift: Drift, paths: tuple[FieldChange, ...], item: tuple[str, Entry]) -> KnownDrift:
    place, entry = item
    return KnownDrift(
        address=drift.address,
        kind=drift.kind,
        heal=drift.heal,
        paths=paths,
        changed_by=drift.changed_by,
        changed_at=drift.changed_at,
        reason=entry.reason,
        owner=entry.owner,
        ticket=entry.ticket,
        expires=entry.expires,
        origin=place,
    )


def _counted(drift: Drift, paths: tuple[FieldChange, ...], ended: list[Entry]) -> Drift:
    last = max((entry.expires for entry in ended), default=None)
    return drift.model_copy(update={"paths": paths, "ended": last})
