"""Template functions on lists, maps, truth and JSON, as Sprig and Go have them.

Source: https://masterminds.github.io/sprig/ and https://pkg.go.dev/text/template
"""

from __future__ import annotations

import json
import re
from typing import Any

from reconciler.taskfile.template.functions.kit import (
    Function,
    Secrecy,
    bounded_items,
    is_empty,
    items,
    size,
    table,
    takes,
    text,
)
from reconciler.taskfile.template.functions.numbers import NUMBER_FUNCTIONS, to_int
from reconciler.taskfile.template.govalues import (
    Missing,
    ValueFault,
    convert,
    equal,
    is_true,
    kind_of,
    less,
    plain_kind,
    spell,
)

_KEEPS = Secrecy.KEEPS


# ------------------------------------------------------------------- lists
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


# -------------------------------------------------------------------- maps
def _dict(*pairs: Any) -> dict[str, Any]:
    keys = [text(key) if isinstance(key, str) else spell(key) for key in pairs[::2]]
    values = [*pairs[1::2], *[""] * (len(pairs) % 2)]
    return dict(zip(keys, values, strict=True))


def _set(value: Any, key: Any, new: Any) -> dict[str, Any]:
    # A copy: a map cannot come to hold itself.
    table(value)[text(key)] = convert(new, lambda leaf: leaf)
    return table(value)


def _unset(value: Any, key: Any) -> dict[str, Any]:
    table(value).pop(text(key), None)
    return table(value)


def _has_key(value: Any, key: Any) -> bool:
    return not isinstance(value, Missing) and text(key) in table(value)


def _keys(*maps: Any) -> list[str]:
    return [key for value in maps for key in sorted(table(value))]


def _values(value: Any) -> list[Any]:
    return [table(value)[key] for key in sorted(table(value))]


def _pick(value: Any, *keys: Any) -> dict[str, Any]:
    return {key: table(value)[key] for key in keys if key in table(value)}


def _omit(value: Any, *keys: Any) -> dict[str, Any]:
    return {key: item for key, item in table(value).items() if key not in keys}


def _pluck(key: Any, *maps: Any) -> list[Any]:
    return [table(value)[key] for value in maps if text(key) in table(value)]


# ------------------------------------------------------------------- logic
def _default(fallback: Any, value: Any = None) -> Any:
    return value if is_true(value) else fallback


def _coalesce(*values: Any) -> Any:
    return next((value for value in values if is_true(value)), None)


def _ternary(yes: Any, no: Any, condition: Any) -> Any:
    if not isinstance(condition, bool):
        raise ValueFault("ternary: the last value is true or false")
    return yes if condition else no


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if isinstance(value, list):
            if not 0 <= size(key) < len(value):
                raise ValueFault(f"index: {key} is outside of a list of {len(value)}")
            value = value[key]
        elif isinstance(value, dict):
            value = value.get(text(key), Missing(f'index ... "{key}"'))
        else:
            raise ValueFault(f"index: a {plain_kind(value)} has no items")
    return value


def _len(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode("utf-8", "replace"))
    if isinstance(value, list | dict):
        return len(value)
    raise ValueFault(f"len: a {plain_kind(value)} has no length")


def _eq(first: Any, *others: Any) -> bool:
    return any(equal(first, other) for other in others)


def _fail(message: Any) -> Any:
    raise ValueFault(f"fail: {spell(message)}")


def to_json(value: Any, indent: int | None = None) -> str:
    """JSON as Go writes it: no blanks, keys in order, `<`, `>` and `&` escaped."""
    separators = None if indent else (",", ":")
    written = json.dumps(
        value,
        ensure_ascii=False,
        sort_keys=True,
        separators=separators,
        indent=indent,
        default=spell,
    )
    return re.sub("[<>&\u2028\u2029]", lambda match: f"\\u{ord(match[0]):04x}", written)


def _raw_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _type_of(value: Any) -> str:
    names = {"slice": "[]interface {}", "map": "map[string]interface {}", "invalid": "<nil>"}
    return names.get(kind_of(value), kind_of(value))


DATA_FUNCTIONS: dict[str, Function] = {
    **NUMBER_FUNCTIONS,
    # lists
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
    # maps
    "dict": Function(_dict, secrecy=_KEEPS),
    "set": takes(3, _set, _KEEPS),
    "unset": takes(2, _unset, _KEEPS),
    "hasKey": takes(2, _has_key, _KEEPS, absent=True),
    "keys": Function(_keys, 1, secrecy=_KEEPS),
    "values": takes(1, _values, _KEEPS),
    "pick": Function(_pick, 1, secrecy=_KEEPS),
    "omit": Function(_omit, 1, secrecy=_KEEPS),
    "pluck": Function(_pluck, 1, secrecy=_KEEPS),
    # logic; `and` and `or` are called only with what they need
    "and": Function(lambda *values: values[-1], 1, None, _KEEPS, absent=True),
    "or": Function(lambda *values: values[-1], 1, None, _KEEPS, absent=True),
    "not": takes(1, lambda value: not is_true(value), absent=True),
    "default": Function(_default, 1, 2, _KEEPS, absent=True),
    "coalesce": Function(_coalesce, 0, None, _KEEPS, absent=True),
    "ternary": takes(3, _ternary, _KEEPS),
    "empty": takes(1, lambda value: not is_true(value), absent=True),
    "index": Function(_index, 1, secrecy=_KEEPS),
    "len": takes(1, _len),
    "eq": Function(_eq, 2),
    "ne": takes(2, lambda left, right: not equal(left, right)),
    "lt": takes(2, less),
    "le": takes(2, lambda left, right: less(left, right) or equal(left, right)),
    "gt": takes(2, lambda left, right: not (less(left, right) or equal(left, right))),
    "ge": takes(2, lambda left, right: not less(left, right)),
    "fail": takes(1, _fail, Secrecy.JOINS),
    "kindOf": takes(1, kind_of, absent=True),
    "typeOf": takes(1, _type_of, absent=True),
    "kindIs": takes(2, lambda kind, value: kind_of(value) == text(kind), absent=True),
    "typeIs": takes(2, lambda name, value: _type_of(value) == text(name), absent=True),
    "deepEqual": takes(2, lambda left, right: bool(left == right)),
    # JSON
    "toJson": takes(1, to_json),
    "toPrettyJson": takes(1, lambda value: to_json(value, 2)),
    "toRawJson": takes(1, _raw_json),
}
