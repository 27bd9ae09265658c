"""Deletes and creates that look like one task under another name. Pure; a hint, and no more.

Alike are two tasks of one registry with the same context, of whose fields three quarters are the
same; the name is no such field. Of a deleted task that is what was last applied: what was changed
live since makes it no other. Each task is told of once, with the one that is most alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from reconciler.base.canonical import canonical_json
from reconciler.base.errors import StateUnusable
from reconciler.plan.change import Action, Change
from reconciler.plan.diff import leaves
from reconciler.plan.parts import Document, Frozen
from reconciler.plan.safety import LooksLikeRename
from reconciler.plan.stored import Stored, document_of

_SHARE = 0.75
# So many pairs with one context are compared; beyond that the hint is not worth the time.
_MOST_PAIRS = 10_000

Fields = frozenset[tuple[tuple[str | int, ...], str]]
# A deleted task: its address, and what was last applied.
Gone = tuple[str, Frozen]


def looks_like_renames(
    changes: Sequence[Change], applied: Mapping[str, Stored]
) -> tuple[LooksLikeRename, ...]:
    """What may be a rename, in the order of the new addresses. `applied`: tasks as last applied."""
    if not {Action.DELETE, Action.CREATE} <= {change.action for change in changes}:
        return ()
    groups: dict[tuple[str, str], tuple[list[Gone], list[Change]]] = defaultdict(lambda: ([], []))
    for change in changes:
        if change.action is Action.DELETE and change.base is not None:
            last = _last_applied(change.address, applied) or change.base
            groups[_context(last.read())][0].append((change.address, last))
        elif change.action is Action.CREATE and change.target is not None:
            groups[_context(change.target.read())][1].append(change)
    found = [pair for gone, new in groups.values() for pair in _best(gone, new)]
    return tuple(sorted(found, key=lambda pair: pair.address))


def _context(document: Document) -> tuple[str, str]:
    return document["metadata"]["registry"], document["spec"]["context"]["source"]


def _last_applied(address: str, applied: Mapping[str, Stored]) -> Frozen | None:
    try:
        document = document_of(address, applied.get(address))
    except StateUnusable:
        return None  # what is live has to do
    return None if document is None else Frozen.of(document)


def _best(gone: Sequence[Gone], new: Sequence[Change]) -> Iterator[LooksLikeRename]:
    """The pairs that are most alike first; nobody is in two of them."""
    if len(gone) * len(new) > _MOST_PAIRS:
        return
    was = {address: _fields(last) for address, last in gone}
    pairs = [
        LooksLikeRename(
            previous_address=before,
            address=after.address,
            equal=len(was[before] & fields),
            fields=len(was[before] | fields),
            file=after.file,
        )
        for after in new
        for fields in (_fields(after.target),)
        for before in was
    ]
    alike = [pair for pair in pairs if pair.equal >= _SHARE * pair.fields]
    alike.sort(key=lambda pair: (-pair.equal / pair.fields, pair.address, pair.previous_address))
    taken: set[str] = set()
    for pair in alike:
        if not taken & {pair.address, pair.previous_address}:
            taken |= {pair.address, pair.previous_address}
            yield pair


def _fields(document: Frozen | None) -> Fields:
    return frozenset(
        (path, canonical_json(value))
        for path, _, value in leaves(document.read() if document else {})
        if path != ("metadata", "name")
    )
