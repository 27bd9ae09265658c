"""Values of templates as Go has them: truth, printed form, comparison; what is absent or secret.

Source: https://pkg.go.dev/text/template and https://pkg.go.dev/fmt. A value is None, a bool, an
int, a float, a text, a list or a map of these, `Missing` or `SecretText`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from reconciler.taskfile.template.gotime import PRINTED, go_format

MAX_DEPTH = 60  # of lists and maps in each other
MAX_ITEMS = 100_000


class ValueFault(Exception):
    """A value that a function or an action cannot use; the message is for people."""


@dataclass(frozen=True, slots=True)
class Missing:
    """What a name that is not there gives; `path` is how it was written."""

    path: str
    near: str | None = None


@dataclass(frozen=True, slots=True)
class SecretText:
    """A text that must not be seen."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class UnreadText(SecretText):
    """Stands for a secret that nobody has read, or for what was made of one."""

    value: str = field(default="***", repr=False)


def is_true(value: Any) -> bool:
    """Go's truth: false, 0, nil and everything empty are false."""
    if isinstance(value, Missing) or value is None:
        return False
    if isinstance(value, SecretText):
        return bool(value.value)
    return bool(value)


def kind_of(value: Any) -> str:
    """Go's name of a kind."""
    if value is None or isinstance(value, Missing):
        return "invalid"
    names = ((bool, "bool"), (int, "int"), (float, "float64"), (str, "string"), (list, "slice"))
    found = next((name for kind, name in names if isinstance(value, kind)), None)
    return found or ("map" if isinstance(value, Mapping) else "string")


def spell(value: Any, nil: str = "<nil>", depth: int = 0) -> str:
    """The value as `%v` prints it."""
    if depth > MAX_DEPTH:
        raise ValueFault("the value is nested too deep to be printed")
    if value is None or isinstance(value, Missing):
        return nil
    if isinstance(value, list):
        return "[" + " ".join(spell(item, depth=depth + 1) for item in value) + "]"
    if isinstance(value, Mapping):
        pairs = (f"{key}:{spell(value[key], depth=depth + 1)}" for key in sorted(value))
        return f"map[{' '.join(pairs)}]"
    return _spell_simple(value)


def _spell_simple(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return spell_float(value)
    if isinstance(value, datetime):
        return go_format(value, PRINTED)
    if callable(value):  # made when it is needed
        return spell(value())
    return "***" if isinstance(value, SecretText) else str(value)


def spell_float(number: float) -> str:
    """The shortest form that reads back the same; an exponent below 1e-4 and from 1e6, as Go."""
    if math.isnan(number) or math.isinf(number):
        return {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}[str(number)]
    sign, digits, _ = (exact := Decimal(repr(number))).as_tuple()
    exponent = exact.adjusted() if number else 0
    if -4 <= exponent < 6:
        text = f"{exact:f}"
        return text.rstrip("0").removesuffix(".") if "." in text else text
    shown = "".join(map(str, digits)).rstrip("0")
    point = "." if len(shown) > 1 else ""
    mark = "-" if exponent < 0 else "+"
    return f"{'-' * sign}{shown[0]}{point}{shown[1:]}e{mark}{abs(exponent):02d}"


def equal(left: Any, right: Any) -> bool:
    """`eq`; values of different kinds are an error, nothing equals only nothing."""
    if left is None or right is None:
        return left is None and right is None
    kinds = kind_of(left), kind_of(right)
    if kinds[0] != kinds[1]:
        raise ValueFault(f"a {plain_kind(left)} cannot be compared with a {plain_kind(right)}")
    if kinds[0] in {"slice", "map"}:
        raise ValueFault(f"a {plain_kind(left)} cannot be compared")
    return bool(left == right)


def less(left: Any, right: Any) -> bool:
    """`lt`, for two numbers of one kind or two texts."""
    kinds = kind_of(left), kind_of(right)
    if kinds[0] != kinds[1]:
        raise ValueFault(f"a {plain_kind(left)} cannot be compared with a {plain_kind(right)}")
    if kinds[0] not in {"int", "float64", "string"}:
        raise ValueFault(f"a {plain_kind(left)} has no order")
    return bool(left < right)


_PLAIN = {"int": "whole number", "float64": "fraction", "string": "text", "slice": "list"}


def plain_kind(value: Any) -> str:
    """What a person calls the kind of a value."""
    kind = kind_of(value)
    return "missing value" if kind == "invalid" else _PLAIN.get(kind, kind)


def convert(value: Any, leaf: Callable[[Any], Any], depth: int = 0) -> Any:
    """A copy of the value with `leaf` applied to everything that is no list and no map."""
    if depth > MAX_DEPTH:
        raise ValueFault("the value is nested too deep")
    if isinstance(value, list):
        return [convert(item, leaf, depth + 1) for item in value]
    if isinstance(value, Mapping):
        return {key: convert(item, leaf, depth + 1) for key, item in value.items()}
    return leaf(value)


def measure(value: Any) -> int:
    """How many values stand in the value, itself too, as often as they are reached.

    Raises ValueFault beyond 100,000 or when nested too deep: lists that hold a list twice, again
    and again, would never end.
    """
    count, rest = 0, [(value, 0)]
    while rest:
        item, depth = rest.pop()
        count += 1
        if isinstance(item, list):
            rest += [(inner, depth + 1) for inner in item]
        elif isinstance(item, Mapping):
            rest += [(inner, depth + 1) for inner in item.values()]
        if count + len(rest) > MAX_ITEMS:
            raise ValueFault(f"a value has more than {MAX_ITEMS:,} items")
        if depth > MAX_DEPTH:
            raise ValueFault("a value is nested too deep")
    return count
