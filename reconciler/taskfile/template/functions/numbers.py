"""Template functions on numbers, as Sprig has them. Source: https://masterminds.github.io/sprig/"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from reconciler.taskfile.template.functions.kit import Function, bounded_items, size, takes, text
from reconciler.taskfile.template.govalues import ValueFault, plain_kind


def to_int(value: Any) -> int:
    """A whole number from a number or a text of digits. Raises ValueFault for any other text."""
    if isinstance(value, bool) or value is None:
        return int(bool(value))
    if isinstance(value, int):
        return _fits(value)
    if isinstance(value, float):
        return _fits(math.trunc(value)) if math.isfinite(value) else 0
    if isinstance(value, str) and re.fullmatch(r"\s*[-+]?[0-9]{1,19}\s*", value):
        return _fits(int(value))
    raise ValueFault(f"a whole number is needed, not {_shown(value)}")


def _shown(value: Any) -> str:
    return f"a {plain_kind(value)}"


def _fits(number: int) -> int:
    """As 64 bits hold it: Go wraps around."""
    return (number + 2**63) % 2**64 - 2**63


def to_float(value: Any) -> float:
    """A fraction from a number or a text. Raises ValueFault for any other text."""
    if isinstance(value, str):
        if len(value) > 60 or not re.fullmatch(
            r"[-+]?[0-9]*\.?[0-9]+([eE][-+]?[0-9]{1,3})?", value
        ):
            raise ValueFault(f"a number is needed, not {_shown(value)}")
        return float(value)
    if isinstance(value, int | float):
        return float(value)
    raise ValueFault(f"a number is needed, not {_shown(value)}")


def _fold(step: Callable[[int, int], int]) -> Function:
    def run(first: Any, *others: Any) -> int:
        result = to_int(first)
        for other in others:
            result = _fits(step(result, to_int(other)))
        return result

    return Function(run, 1)


def _divide(left: int, right: int) -> int:
    if right == 0:
        raise ValueFault("div: division by zero")
    return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)


def _mod(left: int, right: int) -> int:
    if right == 0:
        raise ValueFault("mod: division by zero")
    return left - right * _divide(left, right)


def _round(value: Any, places: Any, on: Any = 0.5) -> float:
    factor = 10.0 ** min(max(to_int(places), -15), 15)
    scaled = to_float(value) * factor
    whole = math.floor(scaled) + (scaled - math.floor(scaled) >= to_float(on))
    return whole / factor


def _until(count: Any) -> list[int]:
    return _until_step(0, count, 1 if size(count) >= 0 else -1)


def _until_step(start: Any, stop: Any, step: Any) -> list[int]:
    start, stop, step = size(start), size(stop), size(step)
    if step == 0:
        return []
    found = range(start, stop, step)
    if abs(stop - start) // abs(step) > 10**9:
        bounded_items(10**9)
    bounded_items(len(found))
    return list(found)


NUMBER_FUNCTIONS: dict[str, Function] = {
    "int": takes(1, to_int),
    "int64": takes(1, to_int),
    "atoi": takes(1, lambda value: to_int(text(value))),
    "float64": takes(1, to_float),
    "add": _fold(lambda left, right: left + right),
    "add1": takes(1, lambda value: _fits(to_int(value) + 1)),
    "sub": _fold(lambda left, right: left - right),
    "mul": _fold(lambda left, right: left * right),
    "div": _fold(_divide),
    "mod": _fold(_mod),
    "max": _fold(max),
    "biggest": _fold(max),
    "min": _fold(min),
    "floor": takes(1, lambda value: float(math.floor(to_float(value)))),
    "ceil": takes(1, lambda value: float(math.ceil(to_float(value)))),
    "round": Function(_round, 2, 3),
    "until": takes(1, _until),
    "untilStep": takes(3, _until_step),
}
