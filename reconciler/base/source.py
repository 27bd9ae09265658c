"""Where a document of a user came from, and how to find a field of it again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from reconciler.base.diagnostics import Location

# A field inside a document: ("spec", "triggers", "timers", "nightly").
Path = tuple[str | int, ...]

# Follows the name of a template where lines are those of what it gave.
RENDERED = " (rendered)"

T_co = TypeVar("T_co", covariant=True)


def spell_path(path: Path) -> str:
    """`spec.step.docker.images.0`: maps by key, lists by index."""
    return ".".join(map(str, path))


@dataclass(frozen=True, slots=True)
class Source:
    """One document in one file. `locate` finds the nearest written place of a field.

    A field that came from a Defaults document is located in that document's file. Positions are
    read again from the file when they are asked for, so that ten thousand specs need no map.
    `inherited` tells the place of a field in Defaults, or None of one that the document writes
    itself, for which its own file need not be read; it is None where there are no Defaults.
    """

    file: str
    line: int
    locate: Callable[[Path], Location]
    inherited: Callable[[Path], Location | None] | None = None


@dataclass(frozen=True, slots=True)
class Located(Generic[T_co]):
    """A model and where it was written."""

    value: T_co
    source: Source
