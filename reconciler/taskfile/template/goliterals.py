"""Numbers, characters and quoted texts as Go writes them. Source: https://go.dev/ref/spec"""

from __future__ import annotations

import re

from reconciler.taskfile.template.vault import RESERVED

_ESCAPE = re.compile(
    r"""\\(?:(?P<simple>[abfnrtv\\'"])|x(?P<byte>[0-9a-fA-F]{2})|u(?P<short>[0-9a-fA-F]{4})
          |U(?P<long>[0-9a-fA-F]{8})|(?P<octal>[0-7]{3})|(?P<bad>.|$))""",
    re.VERBOSE | re.DOTALL,
)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_LARGEST = 2**63


def read_string(text: str) -> str:
    """The value of `"..."` or of a raw text in backquotes. Raises ValueError."""
    if text.startswith("`"):
        return text[1:-1].replace("\r", "")
    return _ESCAPE.sub(_unescape, text[1:-1])


def _unescape(match: re.Match[str]) -> str:
    if match["simple"]:
        return _SIMPLE.get(match["simple"], match["simple"])
    for name, base in (("byte", 16), ("short", 16), ("long", 16), ("octal", 8)):
        if match[name]:
            return _character(int(match[name], base))
    raise ValueError(f"{match[0]} is no escape")


def _character(code: int) -> str:
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF or chr(code) in RESERVED:
        raise ValueError("this is no character")
    return chr(code)


def read_character(text: str) -> int:
    """The number of `'x'`. Raises ValueError."""
    value = _ESCAPE.sub(_unescape, text[1:-1])
    if len(value) != 1:
        raise ValueError("single quotes hold one character; use double quotes for a text")
    return ord(value)


def read_number(text: str) -> int | float:
    """A whole number or a fraction. Raises ValueError."""
    digits = text.replace("_", "")
    if re.fullmatch(r"[-+]?0[0-7]+", digits):
        digits = re.sub(r"0", "0o", digits, count=1)
    number = _number(digits)
    if isinstance(number, int) and not -_LARGEST <= number < _LARGEST:
        raise ValueError("the number is too big")
    return number


def _number(digits: str) -> int | float:
    if len(digits) > 100:
        raise ValueError("the number is too long")
    if re.fullmatch(r"[-+]?(?:0[xXoObB]\w+|[0-9]+)", digits):
        return int(digits, 0)
    number = float(digits)
    # A constant such as 1e3 may be used as a whole number.
    return (
        int(number)
        if number.is_integer() and abs(number) < _LARGEST and "." not in digits
        else number
    )
