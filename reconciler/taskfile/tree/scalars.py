"""Numbers and switches as a task file writes them, in either manner. Knows no key.

ACR's engine reads YAML 1.1 through Go: fractions are cut, `0x10` and `010` are numbers, `yes` is
true. Read strictly, a number is digits and a switch is `true` or `false`.
"""

from __future__ import annotations

import re

from reconciler.taskfile.tree.nodes import Scalar

_DIGITS = re.compile(r"([-+]?(?:0|[1-9][0-9]{0,17}))(?:\.0+)?")
_BASES = {"0x": 16, "0o": 8, "0b": 2}
_SWITCHES = {"true": True, "True": True, "TRUE": True, "false": False, "False": False} | {
    "FALSE": False
}
_MORE_SWITCHES = {
    **{
        word: True
        for base in ("y", "yes", "on")
        for word in (base, base.capitalize(), base.upper())
    },
    **{
        word: False
        for base in ("n", "no", "off")
        for word in (base, base.capitalize(), base.upper())
    },
}
_LARGEST = 2**63


def whole_number(node: Scalar, *, lenient: bool) -> int | None:
    """The number, None if it is none. Quoted digits are a text, not a number."""
    if not node.plain:
        return None
    digits = _DIGITS.fullmatch(node.text)  # `30.0` is the same number, and JSON Schema's integer
    if digits:
        return int(digits[1])
    return _loose_number(node.text) if lenient else None


def _loose_number(text: str) -> int | None:
    """As Go's YAML reader and a conversion to a whole number do it."""
    word = text.replace("_", "")
    sign, digits = (-1, word[1:]) if word.startswith("-") else (1, word.removeprefix("+"))
    base = _BASES.get(digits[:2].lower())
    try:
        if base:
            number = int(digits[2:], base)
        elif re.fullmatch(r"0[0-7]{1,40}", digits):
            number = int(digits, 8)
        elif re.fullmatch(r"[0-9]{1,40}", digits):
            number = int(digits)
        else:
            number = int(_decimal(digits))
    except (ValueError, OverflowError):
        return None
    return sign * number if number < _LARGEST else None


def _decimal(digits: str) -> float:
    if len(digits) > 40 or not re.fullmatch(r"[0-9]*\.?[0-9]*([eE][-+]?[0-9]{1,3})?", digits):
        raise ValueError(digits)
    return float(digits)


def switch(node: Scalar, *, lenient: bool) -> bool | None:
    """True or false, None if it is neither."""
    if not node.plain:
        return None
    found = _SWITCHES.get(node.text)
    return _MORE_SWITCHES.get(node.text) if found is None and lenient else found
