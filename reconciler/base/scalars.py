"""Plain scalars of our YAML dialect: which unquoted words are not text. Knows no YAML library."""

from __future__ import annotations

import math
import re
from typing import Any

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,18})")
# A number has its point, and a sign in its exponent: `1e3` and `0E0` (a digest, a commit) are text,
# as in YAML 1.1.
_FLOAT = re.compile(r"[-+]?((0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)([eE][-+][0-9]{1,3})?")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# A plain scalar that starts otherwise is text; most are.
SPECIAL_FIRST = frozenset("0123456789+-.~nNtTfF")


def plain_value(text: str) -> Any:
    """The value of an unquoted scalar: null, boolean, number or text (YAML 1.2 core, stricter).

    What would lose digits stays text: `007`, whole numbers of 20 digits, `1.0e+999`.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text
