"""Merging of Defaults into a task: maps merge, lists and scalars replace, the nearest wins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.model.step import STEP_KINDS


@dataclass(frozen=True, slots=True)
class FolderDefaults:
    """One Defaults document: its file, its index in the file, and its metadata and spec."""

    file: str
    index: int
    values: dict[str, Any]


def merge_defaults(document: dict[str, Any], chain: Sequence[FolderDefaults]) -> dict[str, Any]:
    """The document over its defaults. `chain` is in order from the root to the nearest folder.

    Nothing that was passed in is changed.
    """
    if not chain:
        return document
    merged: dict[str, Any] = {}
    for layer in chain:
        merged = _merge(merged, layer.values, ())
    return _merge(merged, document, ())


def _merge(below: dict[str, Any], above: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    result = dict(below)
    if path == ("spec", "step"):
        # Another kind of step replaces the default kind: a task has exactly one.
        kinds = STEP_KINDS.keys() & above.keys()
        result = {key: value for key, value in result.items() if not kinds or key in kinds}
    for key, value in above.items():
        old = result.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            result[key] = _merge(old, value, (*path, key))
        else:
            result[key] = value
    return result
