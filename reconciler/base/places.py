"""Places of values in a YAML text: a tree of marks beside a tree of values. Reads nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reconciler.base.source import Path


@dataclass(slots=True)
class Mark:
    """Where a value stands, and the marks of its children (by key or index)."""

    line: int
    column: int
    children: dict[str | int, Mark] | None = None
    keys: dict[str | int, Mark] | None = None

    def add(self, part: str | int, child: Mark | None, key: Mark | None = None) -> None:
        """Note the mark of a child, and of its key if it has one."""
        if child is None:
            return
        self.children = self.children or {}
        self.children[part] = child
        if key is not None:
            self.keys = self.keys or {}
            self.keys[part] = key

    def moved_to(self, line: int, column: int) -> Mark:
        """The same tree at another place: what an alias stands for."""
        return Mark(line, column, self.children, self.keys)


def find_mark(mark: Mark, path: Path) -> tuple[Mark, bool]:
    """The mark of the deepest part of `path` that is written, and whether that is all of it.

    For the last part that is a key, the key's own place. Where a file writes one item for a list
    of one, the index 0 is not written and is passed over.
    """
    here, place = mark, mark
    for part in path:
        child = (here.children or {}).get(part)
        if child is None and part == 0 and (here.keys is not None or here.children is None):
            continue
        if child is None:
            return place, False
        place = (here.keys or {}).get(part, child)
        here = child
    return place, True


def is_written(value: Any, path: Path) -> bool:
    """True if a value that was read says something about a field: it, or what stands in its place.

    Told from the value alone, without marks. Index 0 is passed over as by `find_mark`.
    """
    here = value
    for part in path:
        if not isinstance(here, dict):
            return True  # a list, or a short form: it says everything below it
        if part in here:
            here = here[part]
        elif part != 0:
            return False
    return True
