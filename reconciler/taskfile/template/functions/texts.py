"""Template functions on texts, as Sprig has them. Source: https://masterminds.github.io/sprig/"""

from __future__ import annotations

import posixpath
import re
import textwrap
from collections.abc import Callable
from typing import Any

from reconciler.taskfile.template.functions.kit import (
    Function,
    Secrecy,
    bounded_items,
    bounded_text,
    size,
    takes,
    text,
)
from reconciler.taskfile.template.govalues import ValueFault, spell


def _text_function(run: Callable[[str], Any]) -> Function:
    return takes(1, lambda value: run(text(value)))


def _trim_suffix(suffix: Any, value: Any) -> str:
    return text(value).removesuffix(text(suffix))


def _trim_prefix(prefix: Any, value: Any) -> str:
    return text(value).removeprefix(text(prefix))


def _replace(old: Any, new: Any, value: Any) -> str:
    before, after, whole = text(old), text(new), text(value)
    places = whole.count(before) if before else len(whole) + 1
    bounded_text(len(whole) + places * len(after))
    return whole.replace(before, after)


def _repeat(count: Any, value: Any) -> str:
    times, whole = size(count), text(value)
    if times < 0:
        raise ValueFault("repeat: the count is negative")
    bounded_text(times * len(whole))
    return whole * times


def _indent(count: Any, value: Any) -> str:
    blanks, whole = size(count), text(value)
    if blanks < 0:
        raise ValueFault("indent: the count is negative")
    bounded_text(len(whole) + blanks * (whole.count("\n") + 1))
    return " " * blanks + whole.replace("\n", "\n" + " " * blanks)


def _nindent(count: Any, value: Any) -> str:
    return "\n" + _indent(count, value)


def _join(separator: Any, values: Any) -> str:
    between = text(separator)
    if not isinstance(values, list):
        return spell(values)
    found = [spell(value) for value in values if value is not None]
    bounded_text(sum(map(len, found)) + len(between) * len(found))
    return between.join(found)


def _split_list(separator: Any, value: Any) -> list[str]:
    separator, value = text(separator), text(value)
    bounded_items(value.count(separator) if separator else len(value))
    return value.split(separator) if separator else list(value)


def _split(separator: Any, value: Any) -> dict[str, str]:
    return {f"_{i}": part for i, part in enumerate(_split_list(separator, value))}


def _splitn(separator: Any, count: Any, value: Any) -> dict[str, str]:
    parts = text(value).split(text(separator), max(size(count) - 1, 0))
    return {f"_{i}": part for i, part in enumerate(parts)}


def _substr(start: Any, end: Any, value: Any) -> str:
    start, end, value = size(start), size(end), text(value)
    if start < 0:
        return str(value[: max(end, 0)])
    return str(value[start:] if end < 0 or end > len(value) else value[start:end])


def _trunc(count: Any, value: Any) -> str:
    if size(count) < 0:
        raise ValueFault("trunc: the length is negative")
    return text(value)[:count]


def _title(value: str) -> str:
    return re.sub(r"(?<!\S)\S", lambda match: match[0].upper(), value)


def _plural(one: Any, many: Any, count: Any) -> str:
    return text(one) if size(count) == 1 else text(many)


def _words(value: str) -> list[str]:
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", value)
    return [word for word in re.split(r"[\s_\-.]+", spaced) if word]


def _camel(value: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in _words(value))


def _abbrev(width: Any, value: Any) -> str:
    most, whole = size(width), text(value)
    return whole if most < 4 or len(whole) <= most else whole[: most - 3] + "..."


def _wrap(width: Any, value: Any) -> str:
    return "\n".join(textwrap.wrap(text(value), max(size(width), 1), break_long_words=False))


TEXT_FUNCTIONS: dict[str, Function] = {
    "upper": _text_function(str.upper),
    "lower": _text_function(str.lower),
    "trim": _text_function(str.strip),
    "title": _text_function(_title),
    "untitle": _text_function(lambda value: value[:1].lower() + value[1:]),
    "swapcase": _text_function(str.swapcase),
    "nospace": _text_function(lambda value: re.sub(r"\s+", "", value)),
    "initials": _text_function(lambda value: "".join(word[0] for word in value.split())),
    "snakecase": _text_function(lambda value: "_".join(_words(value)).lower()),
    "kebabcase": _text_function(lambda value: "-".join(_words(value)).lower()),
    "camelcase": _text_function(_camel),
    "trimAll": takes(2, lambda chars, value: text(value).strip(text(chars))),
    "trimall": takes(2, lambda chars, value: text(value).strip(text(chars))),
    "trimSuffix": takes(2, _trim_suffix),
    "trimPrefix": takes(2, _trim_prefix),
    "contains": takes(2, lambda part, value: text(part) in text(value)),
    "hasPrefix": takes(2, lambda part, value: text(value).startswith(text(part))),
    "hasSuffix": takes(2, lambda part, value: text(value).endswith(text(part))),
    "replace": takes(3, _replace),
    "repeat": takes(2, _repeat),
    "substr": takes(3, _substr),
    "trunc": takes(2, _trunc),
    "abbrev": takes(2, _abbrev),
    "wrap": takes(2, _wrap),
    "plural": takes(3, _plural),
    "indent": takes(2, _indent, Secrecy.JOINS),
    "nindent": takes(2, _nindent, Secrecy.JOINS),
    "join": takes(2, _join, Secrecy.JOINS),
    "splitList": takes(2, _split_list),
    "split": takes(2, _split),
    "splitn": takes(3, _splitn),
    "base": _text_function(lambda value: posixpath.basename(value.rstrip("/")) or "."),
    "dir": _text_function(lambda value: posixpath.normpath(posixpath.dirname(value) or ".")),
    "ext": _text_function(
        lambda value: re.sub(r"^.*?(\.[^./]*)?$", r"\1", posixpath.basename(value))
    ),
    "clean": _text_function(lambda value: posixpath.normpath(value or ".")),
    "isAbs": _text_function(lambda value: value.startswith("/")),
}
