"""Template functions on lists, as Sprig has them. Source: https://masterminds.github.io/sprig/"""

from __future__ import annotations

from typing import Any

from reconciler.taskfile.template.functions.kit import (
    Function,
    Secrecy,
    bounded_items,
    is_empty,
    items,
    takes,
)
from reconciler.taskfile.template.functions.numbers import to_int
from reconciler.taskfile.template.govalues import ValueFault, kind_of, spell

_KEEPS = Secrecy.KEEPS


def _slice(value: Any, *bounds: Any) -> list[Any]:
    values = items(value)
    start = to_int(bounds[0]) if bounds else 0
    end = to_int(bounds[1]) if len(bounds) > 1 else len(values)
    if not 0 <= start <= end <= len(values):
        raise ValueFault(f"slice: {start}:{end} is outside of a list of {len(values)}")
    return values[start:end]


def _end_of(value: Any, position: int) -> Any:
    values = items(value)
    return values[position] if values else None


def _uniq(value: Any) -> list[Any]:
    found: list[Any] = []
    seen: set[str] = set()
    for item in items(value):
        key = f"{kind_of(item)}:{spell(item)}"
        if key not in seen:
            found.append(item)
        seen.add(key)
    return found


def _without(value: Any, *unwanted: Any) -> list[Any]:
    return [item for item in items(value) if item not in unwanted]


def _concat(*lists: Any) -> list[Any]:
    bounded_items(sum(len(items(value)) for value in lists))
    return [item for value in lists for item in items(value)]


def _has(needle: Any, value: Any) -> bool:
    return needle in items(value) if value is not None else False


LIST_FUNCTIONS: dict[str, Function] = {
    "list": Function(lambda *values: list(values), secrecy=_KEEPS),
    "tuple": Function(lambda *values: list(values), secrecy=_KEEPS),
    "first": takes(1, lambda value: _end_of(value, 0), _KEEPS),
    "last": takes(1, lambda value: _end_of(value, -1), _KEEPS),
    "rest": takes(1, lambda value: items(value)[1:], _KEEPS),
    "initial": takes(1, lambda value: items(value)[:-1], _KEEPS),
    "append": takes(2, lambda value, item: [*items(value), item], _KEEPS),
    "push": takes(2, lambda value, item: [*items(value), item], _KEEPS),
    "prepend": takes(2, lambda value, item: [item, *items(value)], _KEEPS),
    "concat": Function(_concat, secrecy=_KEEPS),
    "reverse": takes(1, lambda value: items(value)[::-1], _KEEPS),
    "slice": Function(_slice, 1, 3, _KEEPS),
    "compact": takes(1, lambda value: [item for item in items(value) if not is_empty(item)]),
    "uniq": takes(1, _uniq),
    "without": Function(_without, 1),
    "has": takes(2, _has),
    "sortAlpha": takes(1, lambda value: sorted(spell(item) for item in items(value))),
}
