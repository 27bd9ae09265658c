"""One strict YAML dialect: bytes to plain values, and places of values when they are asked for.

Differences from YAML 1.1 as PyYAML loads it: duplicate keys are refused, keys are text, dates and
`on`/`yes`/`012`/`1_000` stay text, explicit tags are refused. Depth, size and the number of nodes
(aliases counted as often as they are used) are limited, so that no file hangs or crashes us. Built
on libyaml's events and not on its composer, which recurses in C and dies of deep nesting.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from reconciler.base.encoding import YamlError
from reconciler.base.places import Mark
from reconciler.base.scalars import SPECIAL_FIRST, plain_value
from reconciler.base.text import one_line

MAX_NODES = 50_000
MAX_DEPTH = 64
MAX_DOCUMENTS = 10_000

_TEXT_TAGS = frozenset((None, "!", "tag:yaml.org,2002:str"))
_Parser = getattr(yaml, "CLoader", yaml.Loader)
_Scalar, _MappingEnd, _SequenceEnd = yaml.ScalarEvent, yaml.MappingEndEvent, yaml.SequenceEndEvent


@dataclass(frozen=True, slots=True)
class RawDocument:
    """One document: its value and the line it starts on."""

    value: Any
    line: int


@dataclass(slots=True)
class _Anchor:
    """What an alias stands for, its count of nodes and its depth. Open: it is still being read."""

    value: Any = None
    mark: Mark | None = None
    nodes: int = 0
    depth: int = 0
    open: bool = True


def load_documents(text: str) -> list[RawDocument]:
    """All documents of a text; empty ones are left out. Raises YamlError at the first fault."""
    return [RawDocument(value, line) for value, line, _ in _documents(text, marks=False)]


def load_marks(text: str) -> list[Mark]:
    """The places of all values, a tree for each document of `load_documents`."""
    return [mark for _, _, mark in _documents(text, marks=True) if mark is not None]


def _documents(text: str, *, marks: bool) -> Iterator[tuple[Any, int, Mark | None]]:
    try:
        builder = _Builder(text, marks=marks)
    except UnicodeEncodeError as error:  # a template can make what no file can hold
        line = text.count("\n", 0, error.start) + 1
        raise YamlError("half a character (a lone surrogate) stands here", line, 1) from None
    try:
        yield from builder.documents()
    except yaml.MarkedYAMLError as error:
        raise _explain(error, text) from None
    except yaml.reader.ReaderError as error:
        raise _explain_character(error, text) from None
    finally:
        builder.close()


def _explain(error: yaml.MarkedYAMLError, text: str) -> YamlError:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    last = max(len(text.splitlines()), 1)
    if line > last:  # the end of the text counts as one line more
        line, column = last, 1
    problem = error.problem or str(error)
    character = text[mark.index : mark.index + 1] if mark else ""
    if character == "\t":
        return YamlError("a tab cannot indent YAML", line, column, "indent with blanks")
    if "cannot start any token" in problem:
        message = f"{character!r} cannot start a value"
        return YamlError(message, line, column, 'put the value in quotes, e.g. "@x"')
    where = f" {error.context}" if error.context else ""
    fix = "check the indentation, quotes and brackets near this line"
    return YamlError(f"YAML: {problem}{where}", line, column, fix)


def _explain_character(error: yaml.reader.ReaderError, text: str) -> YamlError:
    line = text.count("\n", 0, error.position) + 1
    code = error.character if isinstance(error.character, int) else ord(error.character)
    message = f"the control character #x{code:02x} is not allowed"
    return YamlError(message, line, 1, "save the file as plain UTF-8 text")


class _Builder:
    """Builds values from one event stream; holds the anchors and the count of nodes."""

    def __init__(self, text: str, *, marks: bool) -> None:
        self._parser = _Parser(text)
        self._marks = marks
        self._anchors: dict[str, _Anchor] = {}
        self._nodes = 0
        self._deepest = 0

    def close(self) -> None:
        self._parser.dispose()

    def documents(self) -> Iterator[tuple[Any, int, Mark | None]]:
        next_event, count = self._parser.get_event, 0
        while True:
            event = next_event()
            kind = type(event)
            if kind is yaml.StreamEndEvent:
                return
            if kind is not yaml.DocumentStartEvent:
                continue
            count += 1
            if count > MAX_DOCUMENTS:
                raise _at(event, f"a file has at most {MAX_DOCUMENTS:,} documents", "split it")
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
            return _scalar(event), self._mark(event)
        if kind is yaml.AliasEvent:
            return self._alias(event, depth)
        self._reach(depth, event)
        if event.anchor is None:
            return self._container(event, depth)
        return self._anchored(event, depth)

    def _anchored(self, event: Any, depth: int) -> tuple[Any, Mark | None]:
        anchor = self._anchors[event.anchor] = _Anchor()
        nodes, deepest, self._deepest = self._nodes, self._deepest, depth
        anchor.value, anchor.mark = self._container(event, depth)
        anchor.nodes, anchor.depth = self._nodes - nodes + 1, self._deepest - depth
        anchor.open, self._deepest = False, max(deepest, self._deepest)
        return anchor.value, anchor.mark

    def _container(self, event: Any, depth: int) -> tuple[Any, Mark | None]:
        if type(event) is yaml.ScalarEvent:
            return _scalar(event), self._mark(event)
        if event.tag is not None and not event.implicit:
            raise _tag(event)
        if type(event) is yaml.MappingStartEvent:
            return self._mapping(event, depth)
        return self._sequence(event, depth)

    def _sequence(self, event: Any, depth: int) -> tuple[list[Any], Mark | None]:
        mark = self._mark(event)
        items: list[Any] = []
        next_event = self._parser.get_event
        while type(item := next_event()) is not _SequenceEnd:
            if type(item) is _Scalar and item.anchor is None:
                self._nodes += 1
                value, child = _scalar(item), self._mark(item) if self._marks else None
            else:
                value, child = self._value(item, depth + 1)
            if mark is not None:
                mark.add(len(items), child)
            items.append(value)
            if self._nodes > MAX_NODES:
                self._count(0, item)
        return items, mark

    def _mapping(self, event: Any, depth: int) -> tuple[dict[str, Any], Mark | None]:
        mark = self._mark(event)
        values: dict[str, Any] = {}
        merged: list[tuple[dict[str, Any], Mark | None]] = []
        next_event = self._parser.get_event
        while type(key := next_event()) is not _MappingEnd:
            item = next_event()
            # Most keys and values are plain: taken here, without the way through functions.
            if type(key) is _Scalar and key.value and not key.style and key.tag is None:
                name = key.value
            else:
                name = self._key(key)
            self._nodes += 1
            if self._nodes > MAX_NODES:
                self._count(0, key)
            if type(item) is _Scalar and item.anchor is None:
                self._nodes += 1
                value, child = _scalar(item), self._mark(item) if self._marks else None
            else:
                value, child = self._value(item, depth + 1)
            if name == "<<" and not key.style:
                merged.extend(_merge_sources(key, value, child))
                continue
            if name in values:
                shown = one_line(repr(name), 60)
                raise _at(key, f"the key {shown} stands twice here", "remove one of the two")
            values[name] = value
            if mark is not None:
                mark.add(name, child, self._mark(key))
        for source, source_mark in merged:
            _merge(values, mark, source, source_mark)
        return values, mark

    def _key(self, event: Any) -> str:
        if type(event) is not yaml.ScalarEvent:
            raise _at(event, "a key is plain text here, not a list, map or alias")
        if not event.value:
            raise _at(event, "a key is missing before ':'")
        if event.style or event.tag is not None:
            _scalar(event)  # refuses what no scalar may be
        return str(event.value)

    def _alias(self, event: Any, depth: int) -> tuple[Any, Mark | None]:
        anchor, name = self._anchors.get(event.anchor), one_line(event.anchor, 60)
        if anchor is None:
            raise _at(event, f"the alias *{name} has no anchor before it")
        if anchor.open:
            raise _at(event, f"the alias *{name} stands inside its own anchor")
        self._count(anchor.nodes, event)
        self._reach(depth + anchor.depth, event)
        if anchor.mark is None:
            return anchor.value, None
        start = event.start_mark
        return anchor.value, anchor.mark.moved_to(start.line + 1, start.column + 1)

    def _mark(self, event: Any) -> Mark | None:
        if not self._marks:
            return None
        return Mark(event.start_mark.line + 1, event.start_mark.column + 1)

    def _count(self, nodes: int, event: Any) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            fix = "aliases count as often as they are used; split the document"
            raise _at(event, f"a document has at most {MAX_NODES:,} values", fix)

    def _reach(self, depth: int, event: Any) -> None:
        self._deepest = max(self._deepest, depth)
        if depth > MAX_DEPTH:
            raise _at(event, f"nested deeper than {MAX_DEPTH} levels", "make it flatter")


def _scalar(event: Any) -> Any:
    text = event.value
    if event.tag not in _TEXT_TAGS:
        raise _tag(event)
    if event.style and "\0" in text:
        raise _at(event, "the character NUL is not allowed")
    if event.style or event.tag is not None or (text and text[0] not in SPECIAL_FIRST):
        return text
    return plain_value(text)


def _tag(event: Any) -> YamlError:
    shown = one_line(event.tag.replace("tag:yaml.org,2002:", "!!"), 60)
    return _at(event, f"the tag {shown} is not allowed", "remove the tag")


def _at(event: Any, message: str, fix: str | None = None) -> YamlError:
    return YamlError(message, event.start_mark.line + 1, event.start_mark.column + 1, fix)


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
            mark.add(name, child, (source_mark.keys or {}).get(name))
