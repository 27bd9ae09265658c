"""One strict YAML dialect: bytes to plain values, and places of values when they are asked for.

Differences from YAML 1.1 as PyYAML loads it: duplicate keys are refused, keys are text, dates and
`on`/`yes`/`012`/`1_000` stay text, explicit tags are refused. Depth, size and the number of nodes
(aliases counted as often as they are used) are limited, so that no file hangs or crashes us. Built
on libyaml's events and not on its composer, which recurses in C and dies of deep nesting.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from reconciler.base.source import Path

MAX_BYTES = 8 * 1024 * 1024
MAX_NODES = 50_000
MAX_DEPTH = 64

_Parser = getattr(yaml, "CLoader", yaml.Loader)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,18})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# A plain scalar that starts otherwise is text; most are.
_SPECIAL_FIRST = frozenset("0123456789+-.~nNtTfF")


class YamlError(Exception):
    """Text that this dialect refuses. `line` and `column` count from 1."""

    def __init__(self, message: str, line: int, column: int, fix: str | None = None) -> None:
        super().__init__(message)
        self.message, self.line, self.column, self.fix = message, line, column, fix


@dataclass(slots=True)
class Mark:
    """Where a value stands, and the marks of its children (by key or index)."""

    line: int
    column: int
    children: dict[str | int, Mark] | None = None
    keys: dict[str | int, Mark] | None = None


@dataclass(frozen=True, slots=True)
class RawDocument:
    """One document: its value and the line it starts on."""

    value: Any
    line: int


def decode(data: bytes) -> str:
    """UTF-8 text of a file; a byte order mark is dropped. Raises YamlError."""
    if len(data) > MAX_BYTES:
        size = f"{len(data) / 1e6:.1f} MB"
        raise YamlError(f"the file has {size}; at most {MAX_BYTES // 1_000_000} MB are read", 1, 1)
    if b"\x00" in data or data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise YamlError("this is not UTF-8 text", 1, 1, "save the file as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise YamlError("this is not UTF-8 text", line, 1, "save the file as UTF-8") from None


def load_documents(text: str) -> list[RawDocument]:
    """All documents of a text; empty ones are left out. Raises YamlError at the first fault."""
    return [RawDocument(value, line) for value, line, _ in _documents(text, marks=False)]


def load_marks(text: str) -> list[Mark]:
    """The places of all values, a tree for each document of `load_documents`."""
    return [mark for _, _, mark in _documents(text, marks=True) if mark is not None]


def find_mark(mark: Mark, path: Path) -> tuple[Mark, bool]:
    """The mark of the deepest part of `path` that is written, and whether that is all of it.

    For the last part that is a key, the key's own place.
    """
    here, place = mark, mark
    for part in path:
        child = (here.children or {}).get(part)
        if child is None:
            return place, False
        place = (here.keys or {}).get(part, child)
        here = child
    return place, True


def _documents(text: str, *, marks: bool) -> Iterator[tuple[Any, int, Mark | None]]:
    builder = _Builder(text, marks=marks)
    try:
        yield from builder.documents()
    except yaml.MarkedYAMLError as error:
        raise _explain(error) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        code = error.character if isinstance(error.character, int) else ord(error.character)
        message = f"the control character #x{code:02x} is not allowed"
        raise YamlError(message, line, 1, "save the file as plain UTF-8 text") from None
    finally:
        builder.close()


def _explain(error: yaml.MarkedYAMLError) -> YamlError:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    text = error.problem or str(error)
    if "\\t" in text or "tab" in text:
        return YamlError("a tab cannot indent YAML", line, column, "indent with blanks")
    if text.startswith("found character") and "cannot start" in text:
        fix = 'put the value in quotes, e.g. "@x" or "`x`"; indent with blanks, never tabs'
        return YamlError(text, line, column, fix)
    where = f" {error.context}" if error.context else ""
    fix = "check the indentation, quotes and brackets near this line"
    return YamlError(f"YAML: {text}{where}", line, column, fix)


class _Builder:
    """Builds values from one event stream; holds the anchors and the count of nodes."""

    def __init__(self, text: str, *, marks: bool) -> None:
        self._parser = _Parser(text)
        self._marks = marks
        self._anchors: dict[str, tuple[Any, Mark | None, int] | None] = {}
        self._nodes = 0

    def close(self) -> None:
        self._parser.dispose()

    def documents(self) -> Iterator[tuple[Any, int, Mark | None]]:
        next_event = self._parser.get_event
        while True:
            event = next_event()
            kind = type(event)
            if kind is yaml.StreamEndEvent:
                return
            if kind is not yaml.DocumentStartEvent:
                continue
            self._anchors.clear()
            self._nodes = 0
            first = next_event()
            value, mark = self._value(first, 0)
            if value is not None:
                yield value, first.start_mark.line + 1, mark

    def _value(self, event: Any, depth: int) -> tuple[Any, Mark | None]:
        self._count(1, event)
        kind = type(event)
        if kind is yaml.ScalarEvent and event.anchor is None:
            return self._scalar(event), self._mark(event)
        if kind is yaml.AliasEvent:
            return self._alias(event)
        if depth > MAX_DEPTH:
            raise _at(event, f"nested deeper than {MAX_DEPTH} levels")
        before, anchor = self._nodes, event.anchor
        if anchor is not None:
            self._anchors[anchor] = None
        value, mark = self._container(event, depth)
        if anchor is not None:
            self._anchors[anchor] = (value, mark, self._nodes - before + 1)
        return value, mark

    def _container(self, event: Any, depth: int) -> tuple[Any, Mark | None]:
        if type(event) is yaml.ScalarEvent:
            return self._scalar(event), self._mark(event)
        if event.tag is not None and not event.implicit:
            raise _at(event, f"the tag {event.tag} is not allowed", "remove the tag")
        if type(event) is yaml.MappingStartEvent:
            return self._mapping(event, depth)
        return self._sequence(event, depth)

    def _sequence(self, event: Any, depth: int) -> tuple[list[Any], Mark | None]:
        mark = self._mark(event)
        items: list[Any] = []
        next_event = self._parser.get_event
        while type(item := next_event()) is not yaml.SequenceEndEvent:
            value, child = self._value(item, depth + 1)
            if mark is not None and child is not None:
                mark.children = mark.children or {}
                mark.children[len(items)] = child
            items.append(value)
        return items, mark

    def _mapping(self, event: Any, depth: int) -> tuple[dict[str, Any], Mark | None]:
        mark = self._mark(event)
        values: dict[str, Any] = {}
        merged: list[tuple[dict[str, Any], Mark | None]] = []
        next_event = self._parser.get_event
        while type(key := next_event()) is not yaml.MappingEndEvent:
            name = self._key(key)
            value, child = self._value(next_event(), depth + 1)
            if name == "<<" and not key.style:
                merged.extend(_merge_sources(key, value, child))
                continue
            if name in values:
                raise _at(key, f"the key {name!r} stands twice here", "remove one of the two")
            values[name] = value
            if mark is not None:
                _add_child(mark, name, child, self._mark(key))
        for source, source_mark in merged:
            _merge(values, mark, source, source_mark)
        return values, mark

    def _key(self, event: Any) -> str:
        self._count(1, event)
        if type(event) is not yaml.ScalarEvent:
            raise _at(event, "a key is plain text here, not a list, map or alias")
        if not event.value:
            raise _at(event, "a key is missing before ':'")
        return str(event.value)

    def _scalar(self, event: Any) -> Any:
        text = event.value
        if event.tag is not None:
            if event.tag in {"!", "tag:yaml.org,2002:str"}:
                return text
            raise _at(event, f"the tag {event.tag} is not allowed", "remove the tag")
        if event.style or (text and text[0] not in _SPECIAL_FIRST):
            return text
        return plain_value(text)

    def _alias(self, event: Any) -> tuple[Any, Mark | None]:
        if event.anchor not in self._anchors:
            raise _at(event, f"the alias *{event.anchor} has no anchor before it")
        held = self._anchors[event.anchor]
        if held is None:
            raise _at(event, f"the alias *{event.anchor} stands inside its own anchor")
        value, mark, size = held
        self._count(size, event)
        if mark is not None:
            start = event.start_mark
            mark = Mark(start.line + 1, start.column + 1, mark.children, mark.keys)
        return value, mark

    def _mark(self, event: Any) -> Mark | None:
        if not self._marks:
            return None
        return Mark(event.start_mark.line + 1, event.start_mark.column + 1)

    def _count(self, nodes: int, event: Any) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            fix = "aliases count as often as they are used; split the document"
            raise _at(event, f"a document has at most {MAX_NODES:,} values", fix)


def plain_value(text: str) -> Any:
    """The value of an unquoted scalar: null, boolean, number or text (YAML 1.2 core, stricter)."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and not (text[0] == "0" and text[1:2].isdigit()):
        number = float(text)
        return number if math.isfinite(number) else text
    return text


def _at(event: Any, message: str, fix: str | None = None) -> YamlError:
    return YamlError(message, event.start_mark.line + 1, event.start_mark.column + 1, fix)


def _add_child(mark: Mark, name: str, child: Mark | None, key: Mark | None) -> None:
    mark.children, mark.keys = mark.children or {}, mark.keys or {}
    if child is not None and key is not None:
        mark.children[name], mark.keys[name] = child, key


def _merge_sources(
    key: Any, value: Any, mark: Mark | None
) -> list[tuple[dict[str, Any], Mark | None]]:
    if isinstance(value, dict):
        return [(value, mark)]
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        marks = (mark.children or {}) if mark else {}
        return [(item, marks.get(index)) for index, item in enumerate(value)]
    raise _at(key, "<< merges a map or a list of maps")


def _merge(
    values: dict[str, Any], mark: Mark | None, source: dict[str, Any], source_mark: Mark | None
) -> None:
    for name, value in source.items():
        if name in values:
            continue
        values[name] = value
        if mark is not None and source_mark is not None:
            child = (source_mark.children or {}).get(name)
            _add_child(mark, name, child, (source_mark.keys or {}).get(name))
