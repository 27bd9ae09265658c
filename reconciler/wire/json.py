"""JSON from strangers: bounded and strict, so that no body hangs or crashes us."""

from __future__ import annotations

import json
import re
from typing import Any

MAX_DEPTH = 64
# A bracket, or a text, in which none counts; one without an end goes up to that of the body. No
# part is tried twice, however the body is made.
_SIGN = re.compile(r'(?P<opens>[\[{])|(?P<closes>[\]}])|"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_LONGEST_NUMBER = 400  # characters; more digits cost quadratic time


class JsonError(ValueError):
    """Bytes that are no JSON we take; the text says why and never repeats them."""


def read_json(body: bytes) -> Any:
    """The value of a body. Raises JsonError.

    Refused beside what no JSON is: more than 64 levels, a key given twice (which of them counts
    is told differently by different readers), NaN and Infinity, and a half of a surrogate pair.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise JsonError("it is not UTF-8") from None
    _check_depth(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_int=_whole,
            parse_float=_fraction,
        )
    except json.JSONDecodeError as error:
        raise JsonError(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    if "\\u" in text and not _encodable(value):
        raise JsonError("half of a surrogate pair stands in a text")
    return value


def _check_depth(text: str) -> None:
    """Counted before it is parsed: the parser itself recurses."""
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return
    depth = 0
    for sign in _SIGN.finditer(text):
        if sign.lastgroup == "opens":
            depth += 1
            if depth > MAX_DEPTH:
                raise JsonError(f"it has more than {MAX_DEPTH} levels")
        elif sign.lastgroup == "closes":
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise JsonError("a key stands twice in one object")
    return found


def _refuse_constant(_name: str) -> Any:
    raise JsonError("NaN and Infinity are no JSON")


def _whole(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise JsonError(f"a number has more than {_LONGEST_NUMBER} digits")
    return int(text)


def _fraction(text: str) -> float:
    if len(text) > _LONGEST_NUMBER:
        raise JsonError(f"a number has more than {_LONGEST_NUMBER} digits")
    return float(text)


def _encodable(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
