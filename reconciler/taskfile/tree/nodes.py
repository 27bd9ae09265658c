"""A YAML text as a tree of what was written: texts, lists and maps with places. Judges nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

_NULLS = frozenset(("", "~", "null", "Null", "NULL"))


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text as written; `plain` if it stands without quotes. Lines and columns count from 1."""

    text: str
    plain: bool
    line: int
    column: int

    @property
    def is_null(self) -> bool:
        """True for nothing, `~` and `null`."""
        return self.plain and self.text in _NULLS


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: list[Node]
    line: int
    column: int

    def __iter__(self) -> Iterator[Node]:
        return iter(self.items)


@dataclass(frozen=True, slots=True)
class Mapping:
    """A map. `keys` are the places of its keys, `repeated` the keys that stood there before."""

    entries: dict[str, Node]
    line: int
    column: int
    keys: dict[str, Scalar] = field(default_factory=dict)
    repeated: list[Scalar] = field(default_factory=list)

    def get(self, key: str) -> Node | None:
        """The value of a key, None if it is absent or null."""
        found = self.entries.get(key)
        return None if isinstance(found, Scalar) and found.is_null else found


Node = Scalar | Sequence | Mapping


def is_null(node: Node | None) -> bool:
    """True for an absent value and for a written null."""
    return node is None or (isinstance(node, Scalar) and node.is_null)


def kind_name(node: Node) -> str:
    """What a person calls it."""
    if isinstance(node, Scalar):
        return "nothing" if node.is_null else "a text"
    return "a list" if isinstance(node, Sequence) else "a map"
