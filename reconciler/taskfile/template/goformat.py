"""`printf` as Go has it, for the verbs a task file can need. Bounded in width and precision.

Source: https://pkg.go.dev/fmt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from reconciler.taskfile.template.govalues import ValueFault, kind_of, spell, spell_float
from reconciler.taskfile.template.vault import RESERVED

_WIDEST = 1000
_VERB = re.compile(
    r"%(?P<flags>[-+# 0]*)(?P<width>\d+|\*)?(?:\.(?P<precision>\d+|\*)?)?(?P<verb>.)?", re.DOTALL
)
_BASES = {"d": "d", "x": "x", "X": "X", "o": "o", "b": "b"}


def quoted(text: str) -> str:
    """The text as `%q` writes it."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\x7f")


def sprintf(form: str, arguments: Sequence[Any]) -> str:
    """The form with its verbs filled in; what does not fit is told in the text, as Go does."""
    rest = list(arguments)
    asked = len(_VERB.findall(form.replace("%%", "")))
    text = _VERB.sub(lambda match: _one(match, rest), form)
    if rest and len(arguments) > asked:
        extra = ", ".join(f"{_go_type(item)}={spell(item)}" for item in rest)
        text += f"%!(EXTRA {extra})"
    return text


def _one(match: re.Match[str], rest: list[Any]) -> str:
    verb, flags = match["verb"], match["flags"]
    if verb == "%":
        return "%"
    if verb is None:
        return "%!(NOVERB)"
    width = _size(match["width"], rest)
    has_point = "." in match[0][1 : match.end() - match.start() - 1]
    precision = (_size(match["precision"], rest) or 0) if has_point else None
    if not rest:
        return f"%!{verb}(MISSING)"
    text = _value(verb, flags, precision, rest.pop(0))
    return _padded(text, flags, width or 0, numeric=verb in "dxXobfFeEgGv")


def _size(text: str | None, rest: list[Any]) -> int | None:
    if text == "*":
        value = rest.pop(0) if rest else 0
        size = value if isinstance(value, int) else 0
    elif text:
        size = int(text[:9])
    else:
        return None
    if abs(size) > _WIDEST:
        raise ValueFault(f"printf: a width is at most {_WIDEST}")
    return size


def _padded(text: str, flags: str, width: int, *, numeric: bool) -> str:
    if "-" in flags or width < 0:
        return text.ljust(abs(width))
    if "0" in flags and numeric:
        sign = text[:1] if text[:1] in {"+", "-"} else ""
        return sign + text[len(sign) :].rjust(width - len(sign), "0")
    return text.rjust(width)


def _value(verb: str, flags: str, precision: int | None, value: Any) -> str:
    kind = kind_of(value)
    if verb == "v" or (verb == "t" and kind == "bool"):
        return quoted(value) if "#" in flags and kind == "string" else spell(value)
    if verb == "T":
        return _go_type(value)
    if kind in {"string", "slice"}:
        return _text(verb, precision, value)
    if kind == "int":
        return _whole(verb, flags, value)
    if kind == "float64" and verb in "eEfFgG":
        return _fraction(verb, flags, precision, value)
    return _wrong(verb, value)


def _text(verb: str, precision: int | None, value: Any) -> str:
    if isinstance(value, list):
        return "[" + " ".join(_value(verb, "", precision, item) for item in value) + "]"
    if verb in "xX":
        digits: str = value.encode("utf-8", "surrogatepass").hex()
        return digits.upper() if verb == "X" else digits
    if verb not in "sq":
        return _wrong(verb, value)
    text = value if precision is None else value[:precision]
    return quoted(text) if verb == "q" else text


def _whole(verb: str, flags: str, value: int) -> str:
    if verb == "c":
        return _character(value)
    if verb == "q":
        return f"'{_character(value)}'"
    if verb not in _BASES:
        return _wrong(verb, value)
    prefix = {"x": "0x", "X": "0X", "o": "0", "b": "0b"}.get(verb, "") if "#" in flags else ""
    sign = "-" if value < 0 else ("+" if "+" in flags else (" " if " " in flags else ""))
    return f"{sign}{prefix}{abs(value):{_BASES[verb]}}"


def _character(code: int) -> str:
    if not 0 <= code <= 0x10FFFF or 0xD800 <= code <= 0xDFFF or chr(code) in RESERVED:
        return "\ufffd"
    return chr(code)


def _fraction(verb: str, flags: str, precision: int | None, value: float) -> str:
    sign = "+" if "+" in flags and value >= 0 else ""
    if verb in "gG" and precision is None:
        return sign + spell_float(value)
    return sign + f"{value:.{6 if precision is None else precision}{verb}}"


def _go_type(value: Any) -> str:
    kind = kind_of(value)
    names = {"slice": "[]interface {}", "map": "map[string]interface {}", "invalid": "<nil>"}
    return names.get(kind, kind)


def _wrong(verb: str, value: Any) -> str:
    if value is None:
        return f"%!{verb}(<nil>)"
    return f"%!{verb}({_go_type(value)}={spell(value)})"
