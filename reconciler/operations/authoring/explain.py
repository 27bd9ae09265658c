"""`explain FIELD`: what a field of a document is, by the JSON Schema of its kind. Reads no file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reconciler.base.errors import WrongUsage
from reconciler.base.text import did_you_mean, one_line
from reconciler.operations.authoring.schema import schema_of

_LIMITS = (
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {} items"),
    ("pattern", "text like {}"),
)
_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "map",
    "null": "null",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its dotted path, types, default as JSON, what is allowed, the keys below it."""

    kind: str
    path: str
    types: tuple[str, ...]
    default: str | None
    allowed: tuple[str, ...]
    meaning: str
    required: bool
    keys: tuple[tuple[str, str], ...]


def explain_field(path: str, kind: str = "task") -> Field:
    """The field of a kind of document. Raises WrongUsage, with the nearest key.

    Lists are passed over: `spec.notify.on` is a key of each item. In a map with names of one's own
    any name stands for all.
    """
    schema = schema_of(kind)
    here: list[Any] = [schema]
    required, parts = False, [part for part in path.split(".") if part]
    for depth, part in enumerate(parts):
        found, required = _step(schema, here, part)
        if not found:
            raise _unknown(schema, here, kind, parts[:depth], part)
        here = found
    alternatives = list(_alternatives(schema, here))
    return Field(
        kind=kind,
        path=".".join(parts),
        types=tuple(dict.fromkeys(name for one in alternatives for name in _types(one))),
        default=next((json.dumps(one["default"]) for one in here if "default" in one), None),
        allowed=tuple(dict.fromkeys(text for one in alternatives for text in _allowed(one))),
        meaning=_meaning(schema, here),
        required=required,
        keys=tuple(_keys(schema, here)),
    )


def _alternatives(schema: Any, nodes: list[Any]) -> Iterator[Any]:
    """All forms that nodes may take, with references followed."""
    for node in nodes:
        if "$ref" in node:
            yield from _alternatives(schema, [schema["$defs"][node["$ref"].rpartition("/")[2]]])
        elif inner := node.get("anyOf") or node.get("oneOf"):
            yield from _alternatives(schema, inner)
        else:
            yield node


def _below(schema: Any, nodes: list[Any]) -> Iterator[Any]:
    """The same, and what the items of lists are."""
    for node in _alternatives(schema, nodes):
        yield node
        if isinstance(node.get("items"), dict):
            yield from _below(schema, [node["items"]])


def _step(schema: Any, nodes: list[Any], part: str) -> tuple[list[Any], bool]:
    found, required = [], False
    for node in _below(schema, nodes):
        if part in node.get("properties", {}):
            found.append(node["properties"][part])
            required = required or part in node.get("required", ())
        elif isinstance(node.get("additionalProperties"), dict):
            found.append(node["additionalProperties"])
    return found, required


def _types(node: Any) -> Iterator[str]:
    if "const" in node or "enum" in node:
        yield "word"
        return
    name = _TYPES.get(str(node.get("type")), "anything")
    if isinstance(node.get("additionalProperties"), dict):
        name = "map by names of your own"
    yield {"date": "day, as 2027-06-30"}.get(node.get("format", ""), name)


def _allowed(node: Any) -> Iterator[str]:
    yield from map(str, node.get("enum", ()))
    if "const" in node:
        yield str(node["const"])
    for key, text in _LIMITS:
        if key in node:
            yield text.format(node[key])


def _meaning(schema: Any, nodes: list[Any]) -> str:
    own = [one["description"] for one in nodes if "description" in one]
    told = own or [
        one["description"] for one in _alternatives(schema, nodes) if "description" in one
    ]
    return " ".join(dict.fromkeys(" ".join(text.split()) for text in told))


def _keys(schema: Any, nodes: list[Any]) -> Iterator[tuple[str, str]]:
    seen = set()
    for node in _below(schema, nodes):
        for key, child in node.get("properties", {}).items():
            if key not in seen:
                seen.add(key)
                yield key, _meaning(schema, [child])
        of_each = node.get("additionalProperties")
        if isinstance(of_each, dict):
            yield from ((f"NAME.{key}", text) for key, text in _keys(schema, [of_each]))


def _unknown(schema: Any, nodes: list[Any], kind: str, above: list[str], part: str) -> WrongUsage:
    keys = [key for key, _ in _keys(schema, nodes)]
    near = did_you_mean(part, keys)
    where = ".".join(above) or f"a document of kind {kind}"
    path = ".".join([*above, near]) if near else None
    return WrongUsage(
        f"{one_line(where, 120)} has no field {one_line(part, 60)}",
        details=[("allowed", ", ".join(keys) or "nothing below it")],
        hint=f"did you mean {one_line(path, 160)}?" if path else None,
    )
