"""YAML text to a tree of nodes that keep what was written (`1.10`, `0x10`, `on`); reads no file.

Beside the dialect of specs, because a task file is read by two rules: strictly (one document, no
key twice, no tags), or as ACR's engine does (the first document counts, the last of two equal keys
wins, maps of equal keys are joined). Size, depth and the number of nodes are limited.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import yaml

from reconciler.base.text import one_line
from reconciler.taskfile.faults import Fault, place
from reconciler.taskfile.tree.nodes import Mapping, Node, Scalar, Sequence

MAX_NODES = 100_000
MAX_DEPTH = 64
_VERSION = (1, 1)

_TEXT_TAGS = frozenset((None, "!", "tag:yaml.org,2002:str"))
_Parser = getattr(yaml, "CLoader", yaml.Loader)

Tell = Callable[[Fault], None]


def parse_yaml(text: str, *, lenient: bool = False, tell: Tell = lambda _: None) -> Node | None:
    """The document of a text, None if it is empty. `lenient` reads as ACR's engine does.

    `tell` hears of what that passes over: tags, and all behind the first document. Raises Fault at
    the first thing that is no YAML or not allowed.
    """
    try:
        builder = _Builder(text, tell if lenient else None)
    except UnicodeEncodeError as error:
        raise Fault("half a character stands here", *place(text, error.start)) from None
    except yaml.reader.ReaderError as error:
        raise _bad_character(error, text) from None
    try:
        return builder.document()
    except yaml.MarkedYAMLError as error:
        raise _explain(error, text) from None
    except yaml.reader.ReaderError as error:
        raise _bad_character(error, text) from None
    finally:
        builder.close()


@dataclass(slots=True)
class _Anchor:
    """What an alias stands for, with its count of nodes and its depth; None while it is read."""

    node: Node | None = None
    nodes: int = 0
    depth: int = 0


class _Builder:
    """Builds the nodes of the first document; holds the anchors and the count of nodes."""

    def __init__(self, text: str, tell: Tell | None) -> None:
        self._parser = _Parser(text)
        self._tell, self._lenient = tell, tell is not None
        self._anchors: dict[str, _Anchor] = {}
        self._nodes = 0
        self._deepest = 0

    def close(self) -> None:
        self._parser.dispose()

    def document(self) -> Node | None:
        next_event = self._parser.get_event
        while type(event := next_event()) is not yaml.DocumentStartEvent:
            if type(event) is yaml.StreamEndEvent:
                return None
        if event.version not in {None, _VERSION}:
            message = "a task file is YAML 1.1, which ACR's engine reads"
            raise _at(event, message, "remove the line %YAML")
        node = self._node(next_event(), 0)
        if self._tell is None:
            self._expect_end()
        else:
            self._tell_rest(self._tell)
        return node

    def _tell_rest(self, tell: Tell) -> None:
        try:
            self._expect_end()
        except Fault as fault:
            tell(Fault("only the first document is read", fault.line, fault.column, fix=fault.fix))
        except yaml.MarkedYAMLError as error:
            at = error.problem_mark or error.context_mark
            where = (at.line + 1, at.column + 1) if at else (1, 1)
            tell(Fault("what stands behind the document is not read", *where, fix="remove it"))

    def _expect_end(self) -> None:
        while type(event := self._parser.get_event()) is not yaml.StreamEndEvent:
            if type(event) is yaml.DocumentStartEvent:
                raise _at(event, "a task file is one document", "remove what follows `---`")

    def _node(self, event: Any, depth: int) -> Node:
        self._count(1, event)
        if type(event) is yaml.AliasEvent:
            return self._alias(event, depth)
        self._reach(depth, event)
        if event.anchor is None:
            return self._plain_node(event, depth)
        anchor = self._anchors[event.anchor] = _Anchor()
        before, deepest, self._deepest = self._nodes, self._deepest, depth
        node = self._plain_node(event, depth)
        anchor.node = node
        anchor.nodes, anchor.depth = self._nodes - before + 1, self._deepest - depth
        self._deepest = max(deepest, self._deepest)
        return node

    def _plain_node(self, event: Any, depth: int) -> Node:
        self._check_tag(event)
        if type(event) is yaml.ScalarEvent:
            plain = not event.style and (event.tag is None or event.tag == "!")
            return Scalar(event.value, plain and event.tag is None, *_start(event))
        if type(event) is yaml.MappingStartEvent:
            return self._mapping(event, depth)
        return self._sequence(event, depth)

    def _check_tag(self, event: Any) -> None:
        if event.tag in _TEXT_TAGS:
            return
        shown = one_line(event.tag.replace("tag:yaml.org,2002:", "!!"), 60)
        if self._tell is None:
            raise _at(event, f"the tag {shown} is not allowed", "remove the tag")
        self._tell(_at(event, f"the tag {shown} is not read", "remove the tag"))

    def _sequence(self, event: Any, depth: int) -> Sequence:
        items: list[Node] = []
        while type(item := self._parser.get_event()) is not yaml.SequenceEndEvent:
            items.append(self._node(item, depth + 1))
        return Sequence(items, *_start(event))

    def _mapping(self, event: Any, depth: int) -> Mapping:
        mapping = Mapping({}, *_start(event))
        merged: list[Mapping] = []
        while type(key_event := self._parser.get_event()) is not yaml.MappingEndEvent:
            key = self._key(key_event)
            value = self._node(self._parser.get_event(), depth + 1)
            if key.text == "<<" and key.plain:
                merged += self._merge_sources(key_event, value)
            else:
                self._put(mapping, key, value)
        for source in merged:
            for name, value in source.entries.items():
                mapping.keys.setdefault(name, source.keys[name])
                mapping.entries.setdefault(name, value)
        return mapping

    def _put(self, mapping: Mapping, key: Scalar, value: Node) -> None:
        before = mapping.entries.get(key.text)
        if before is not None:
            mapping.repeated.append(key)
            if isinstance(before, Mapping) and isinstance(value, Mapping):
                value = _joined(before, value)
        mapping.entries[key.text] = value
        mapping.keys[key.text] = key

    def _key(self, event: Any) -> Scalar:
        self._count(1, event)
        if type(event) is yaml.AliasEvent:
            node = self._alias(event, 0)
        elif type(event) is yaml.ScalarEvent:
            node = self._plain_node(event, 0)
        else:
            raise _at(event, "a key is plain text here, not a list or a map", "write NAME: value")
        if not isinstance(node, Scalar):
            raise _at(event, "a key is plain text here, not a list or a map", "write NAME: value")
        return node

    def _merge_sources(self, event: Any, value: Node) -> list[Mapping]:
        if isinstance(value, Mapping):
            return [value]
        if isinstance(value, Sequence):
            sources = [item for item in value if isinstance(item, Mapping)]
            if len(sources) == len(value.items):
                # ACR's engine lets the last one win, YAML the first.
                return sources[::-1] if self._lenient else sources
        raise _at(event, "<< merges a map or a list of maps")

    def _alias(self, event: Any, depth: int) -> Node:
        name = one_line(event.anchor, 60)
        anchor = self._anchors.get(event.anchor)
        if anchor is None:
            raise _at(event, f"the alias *{name} has no anchor before it")
        if anchor.node is None:
            raise _at(event, f"the alias *{name} stands inside its own anchor")
        self._count(anchor.nodes, event)
        self._reach(depth + anchor.depth, event)
        return anchor.node

    def _count(self, nodes: int, event: Any) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            fix = "aliases count as often as they are used"
            raise _at(event, f"a task file has at most {MAX_NODES:,} values", fix)

    def _reach(self, depth: int, event: Any) -> None:
        self._deepest = max(self._deepest, depth)
        if depth > MAX_DEPTH:
            raise _at(event, f"nested deeper than {MAX_DEPTH} levels", "make it flatter")


def _joined(before: Mapping, after: Mapping) -> Mapping:
    return Mapping(
        before.entries | after.entries,
        before.line,
        before.column,
        before.keys | after.keys,
        [*before.repeated, *after.repeated],
    )


def _start(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _at(event: Any, message: str, fix: str | None = None) -> Fault:
    return Fault(message, *_start(event), fix=fix)


def _explain(error: yaml.MarkedYAMLError, text: str) -> Fault:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    last = max(len(text.splitlines()), 1)
    if line > last:  # the end of the text counts as one line more
        line, column = last, 1
    problem = error.problem or "this is no YAML"
    character = text[mark.index : mark.index + 1] if mark else ""
    if character == "\t":
        return Fault("a tab cannot indent YAML", line, column, fix="indent with blanks")
    if "cannot start any token" in problem:
        fix = 'put the value in quotes, e.g. "@x"'
        return Fault(f"{character!r} cannot start a value", line, column, fix=fix)
    where = f" {error.context}" if error.context else ""
    fix = "check the indentation, quotes and brackets near this line"
    return Fault(f"YAML: {problem}{where}", line, column, fix=fix)


def _bad_character(error: yaml.reader.ReaderError, text: str) -> Fault:
    code = error.character if isinstance(error.character, int) else ord(error.character)
    line, column = place(text, min(error.position, len(text)))
    message = f"the control character #x{code:02x} is not allowed"
    return Fault(message, line, column, fix="save the file as plain UTF-8 text")
