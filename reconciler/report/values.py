"""Values of fields as text: exact, and where they are long, cut around what differs. Pure words.

Two values that differ never look the same: what nobody sees is escaped as JSON does, and of two
long values the part around their first difference is shown.
"""

from __future__ import annotations

import itertools
import json
import re
import unicodedata
from typing import Any

# Longer values are cut.
SHORT = 120
# So much is shown of what both have before the first difference.
_COMMON = 30
# How far back an escape sequence may begin: `\\u00a0`.
_ESCAPE = 5
# Letters and marks that take no room, beside the categories of format and blanks.
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0f]")


def spell(value: Any, *, full: bool = False) -> str:
    """A value as JSON, cut unless all is asked for; `(none)` where there is none."""
    text = _json(value)
    return text if full else _cut(text, 0)


def spell_both(before: Any, after: Any, *, full: bool = False) -> tuple[str, str]:
    """Both values of a field, so that they look as different as they are.

    Long ones are shown from a little before their first difference, with how long they are.
    """
    one, other = _json(before), _json(after)
    if full or (len(one) <= SHORT and len(other) <= SHORT):
        return one, other
    same = sum(
        1
        for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    )
    start = _start(one, min(same - _COMMON, max(len(one), len(other)) - SHORT))
    return _cut(one, start), _cut(other, start)


def _start(text: str, start: int) -> int:
    """Where to begin, in no escape."""
    if start <= 0:
        return 0
    back = text.rfind("\\", max(start - _ESCAPE, 0), start)
    return back if back >= 0 else start


def _cut(text: str, start: int) -> str:
    if len(text) <= SHORT:
        return text
    end = min(start + SHORT, len(text))
    before, after = "..." if start else "", "..." if end < len(text) else ""
    return f"{before}{text[start:end]}{after} ({len(text):,} characters)"


def _json(value: Any) -> str:
    if value is None:
        return "(none)"
    text = json.dumps(value, ensure_ascii=False)
    # Two `#` would be parted where a CI service reads along; as an escape they stay what they are.
    text = text.replace("##", "#\\u0023") if "##" in text else text
    if text.isascii():
        return text
    return "".join(_shown(letter) for letter in text)


def _shown(letter: str) -> str:
    """A letter, or its escape where nobody would see it, or take it for another blank."""
    if letter.isascii():
        return letter
    if unicodedata.category(letter)[0] in "CZ" or _UNSEEN.match(letter):
        return json.dumps(letter)[1:-1]
    return letter
