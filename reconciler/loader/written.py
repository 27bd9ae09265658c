"""Where an error of a model stands in the file, and which keys may stand there. Judges nothing."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from reconciler.base.source import Path


def written_path(loc: Iterable[str | int], value: Any, *, missing: bool = False) -> Path:
    """The part of pydantic's location that is written in the file.

    Pydantic also names union members, keys and items of lists that were made from one item; those
    are not in the file and are left out. With `missing` the last part is a key that is not there.
    """
    parts = list(loc)
    absent = parts.pop() if missing and parts else None
    path: list[str | int] = []
    here = value
    for part in parts:
        child = _child(here, part)
        if child is not None:
            path.append(part)
            here = child[0]
    return tuple(path) if absent is None else (*path, absent)


def _child(value: Any, part: str | int) -> tuple[Any] | None:
    if isinstance(value, dict) and part in value:
        return (value[part],)
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return (value[part],)
    return None


def known_keys(model: Any, loc: Iterable[str | int]) -> set[str]:
    """The keys that are allowed at a location of a model."""
    kinds = _models_in(model)
    for part in loc:
        kinds = [found for kind in kinds for found in _step_into(kind, part)] or kinds
    return {field.alias or name for kind in kinds for name, field in kind.model_fields.items()}


def _step_into(kind: type[BaseModel], part: str | int) -> list[type[BaseModel]]:
    for name, field in kind.model_fields.items():
        if part == (field.alias or name):
            return _models_in(field.annotation)
    return []


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if isinstance(annotation, type | str) or annotation is None:
        return []
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is not None:
        return [found for inner in typing.get_args(annotation) for found in _models_in(inner)]
    return []
