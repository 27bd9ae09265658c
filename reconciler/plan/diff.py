"""The fields in which two documents differ. Called only for documents that are known to differ.

deepdiff needs over a millisecond for one pair of documents, equal or not: hashes are compared
first, everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from reconciler.base.canonical import canonical_json
from reconciler.plan.normalise import UNORDERED
from reconciler.plan.parts import Document

_SENSITIVE = {"secret", "secrets", "setSecret"}

# (dotted path, before, after): None stands for "not there".
Difference = tuple[tuple[str | int, ...], Any, Any]


def differences(before: Document, after: Document) -> list[Difference]:
    """Every leaf that differs, in the order of paths; whole maps are taken apart."""
    from deepdiff import DeepDiff  # noqa: PLC0415  (late: importing it costs 0.15 s)

    # Lists were brought into one order before: item by item is right, and fast.
    # Keys that start with "__" are keys like any other: without the last option they are skipped.
    tree = DeepDiff(
        *_without_equals(before, after),
        view="tree",
        zip_ordered_iterables=True,
        ignore_private_variables=False,
    )
    found: list[Difference] = []
    for levels in tree.values():
        for level in levels:
            path = tuple(level.path(output_format="list"))
            found.extend(_leaves(path, _present(level.t1), _present(level.t2)))
    found = _by_item(found, before, after)
    return _in_order(found)


def _without_equals(one: Document, other: Document) -> tuple[Document, Document]:
    """Both without the keys that say the same: deepdiff takes 0.1 ms for each level it walks."""
    left, right = dict(one), dict(other)
    for key in one.keys() & other.keys():
        mine, theirs = one[key], other[key]
        if _same(mine, theirs):
            del left[key], right[key]
        elif isinstance(mine, dict) and isinstance(theirs, dict):
            left[key], right[key] = _without_equals(mine, theirs)
    return left, right


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: to Python true is 1."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def value_at(document: Document, path: tuple[str | int, ...]) -> Any:
    """The value of a path, or None where there is none."""
    here: Any = document
    for part in path:
        held = _items(here) if isinstance(here, dict | list) else {}
        if part not in held:
            return None
        here = held[part]
    return here


def is_item(path: tuple[str | int, ...]) -> bool:
    """True for an item of a list whose order has no meaning."""
    return len(path) > 1 and isinstance(path[-1], int) and path[-2] in UNORDERED


def leaves(document: Document) -> list[Difference]:
    """Every leaf of a new document, as if it were compared with nothing; in the order of paths."""
    return _in_order((path, None, value) for path, value in _of_new((), document))


def _of_new(path: tuple[str | int, ...], value: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(value, dict | list) and value:
        for key, item in _items(value).items():
            yield from _of_new((*path, key), item)
    else:
        yield path, value


def is_sensitive(path: tuple[str | int, ...]) -> bool:
    """True if a field holds a reference to a secret."""
    return any(part in _SENSITIVE for part in path)


def _by_item(found: list[Difference], before: Document, after: Document) -> list[Difference]:
    """Lists without order: what left (at its old index) and what came (at its new one)."""
    kept = [difference for difference in found if not is_item(difference[0])]
    for path in dict.fromkeys(item[0][:-1] for item in found if is_item(item[0])):
        old, new = value_at(before, path) or [], value_at(after, path) or []
        left = {index: item for index, item in enumerate(old) if item not in new}
        came = {index: item for index, item in enumerate(new) if item not in old}
        if not left and not came:  # one of them is there twice
            kept += [difference for difference in found if difference[0][:-1] == path]
        kept += [
            ((*path, index), left.get(index), came.get(index)) for index in sorted({*left, *came})
        ]
    return kept


def _in_order(found: Iterable[Difference]) -> list[Difference]:
    return sorted(found, key=lambda item: tuple(map(_order, item[0])))


def _order(part: str | int) -> tuple[int, int, str]:
    return (0, part, "") if isinstance(part, int) else (1, 0, part)


def _present(value: Any) -> Any:
    return None if type(value).__name__ == "NotPresent" else value


def _leaves(path: tuple[str | int, ...], before: Any, after: Any) -> Iterator[Difference]:
    for kind in (dict, list):
        if isinstance(before, kind | None) and isinstance(after, kind | None):
            yield from _inside(path, before, after)
            return
    yield path, before, after


def _inside(path: tuple[str | int, ...], before: Any, after: Any) -> Iterator[Difference]:
    left, right = _items(before), _items(after)
    if not left and not right:
        yield path, before, after
        return
    for key in [*left, *(key for key in right if key not in left)]:
        one, other = left.get(key), right.get(key)
        # Compared as JSON: to Python true is 1, and what is not there is what is None.
        if (key in left) != (key in right) or canonical_json(one) != canonical_json(other):
            yield from _leaves((*path, key), one, other)


def _items(value: Any) -> dict[Any, Any]:
    if isinstance(value, dict):
        return value
    return dict(enumerate(value or ()))
