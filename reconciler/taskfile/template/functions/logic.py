"""Template functions that choose and compare, as Go and Sprig have them.

Source: https://pkg.go.dev/text/template#hdr-Functions and https://masterminds.github.io/sprig/
"""

from __future__ import annotations

from typing import Any

from reconciler.taskfile.template.functions.kit import Function, Secrecy, size, takes, text
from reconciler.taskfile.template.govalues import (
    Missing,
    ValueFault,
    equal,
    is_true,
    kind_of,
    less,
    plain_kind,
    spell,
)

_KEEPS = Secrecy.KEEPS


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


def _type_of(value: Any) -> str:
    names = {"slice": "[]interface {}", "map": "map[string]interface {}", "invalid": "<nil>"}
    return names.get(kind_of(value), kind_of(value))


LOGIC_FUNCTIONS: dict[str, Function] = {
    # `and` and `or` are called only with what they need
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
}
