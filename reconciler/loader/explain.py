"""Errors of the models, told as diagnostics: place, what was found, what is allowed, the fix."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError

from reconciler.base.diagnostics import Diagnostic
from reconciler.base.source import Path, Source
from reconciler.base.text import did_you_mean, one_line

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "float_type": "a number",
    "dict_type": "a map",
    "model_type": "a map",
    "model_attributes_type": "a map",
    "tuple_type": "a list",
    "list_type": "a list",
    "date_type": "a date such as 2027-06-30",
    "date_parsing": "a date such as 2027-06-30",
    "date_from_datetime_parsing": "a date such as 2027-06-30",
    "date_from_datetime_inexact": "a date such as 2027-06-30",
}
# Errors and fields whose input may be a secret pasted by mistake: never repeated.
_SECRET_ERRORS = {
    "reconciler_secret",
    "reconciler_source",
    "reconciler_argument",
    "reconciler_state",
}
_SECRET_KEYS = {"secret", "secrets", "setSecret", "token", "password", "username", "url", "state"}
_FIXES = {
    "reconciler_secret": "write where the secret is found, e.g. env:GIT_TOKEN",
    "reconciler_source": "remove the user and the token from the location; use context.token",
    "reconciler_argument": "use spec.step.docker.secrets: it is mounted and leaves no trace",
}


def explain(
    error: ValidationError, model: type[BaseModel], value: Any, source: Source, task: str | None
) -> list[Diagnostic]:
    """One diagnostic for each error of validating `value` against `model`."""
    found = [_explain_one(item, model, value, source, task) for item in error.errors()]
    return list(dict.fromkeys(found))


def _explain_one(
    item: Any, model: type[BaseModel], value: Any, source: Source, task: str | None
) -> Diagnostic:
    path = written_path(item["loc"], value)
    kind = item["type"]
    name = str(path[-1]) if path else ""
    if kind == "extra_forbidden":
        allowed = sorted(known_keys(model, item["loc"][:-1]))
        near = did_you_mean(name, allowed)
        return Diagnostic(
            f"unknown key {name!r}",
            source.locate(path),
            task=task,
            allowed=None if near else ", ".join(allowed),
            fix=f"did you mean {near!r}?" if near else "remove the key",
        )
    if kind == "missing":
        parent = ".".join(map(str, path[:-1]))
        where = f" in {parent}" if parent else ""
        message = f"the key {name!r} is missing{where}"
        return Diagnostic(message, source.locate(path[:-1]), task=task, fix=f"add {name}:")
    hidden = kind in _SECRET_ERRORS or any(part in _SECRET_KEYS for part in path)
    return Diagnostic(
        _message(item, path),
        source.locate(path),
        task=task,
        found="(hidden: it may be a secret)" if hidden else spell_found(item["input"]),
        allowed=_allowed(item),
        fix=_FIXES.get(kind) or _near_fix(item),
    )


def _message(item: Any, path: Path) -> str:
    where = ".".join(map(str, path)) or "the document"
    kind = item["type"]
    if kind.startswith("reconciler_"):
        return f"{where}: {item['msg']}"
    if kind in _WANTED:
        return f"{where} is not {_WANTED[kind]}"
    if kind in {"literal_error", "enum"}:
        return f"{where} is not one of the allowed words"
    return f"{where}: {item['msg'][:1].lower()}{item['msg'][1:]}"


def _allowed(item: Any) -> str | None:
    kind, context = item["type"], item.get("ctx", {})
    if kind in _WANTED:
        return _WANTED[kind]
    if kind in {"literal_error", "enum"}:
        return str(context.get("expected", "")).replace("'", "").replace(" or ", ", ")
    limits = {"greater_than_equal": "ge", "less_than_equal": "le"}
    if kind in limits:
        word = "at least" if kind == "greater_than_equal" else "at most"
        return f"{word} {context[limits[kind]]}"
    if kind == "string_pattern_mismatch":
        return f"text that matches {context['pattern']}"
    return None


def _near_fix(item: Any) -> str | None:
    if item["type"] not in {"literal_error", "enum"} or not isinstance(item["input"], str):
        return None
    words = str(item.get("ctx", {}).get("expected", "")).replace(" or ", ", ").split(", ")
    near = did_you_mean(item["input"], [word.strip("'") for word in words])
    return f"did you mean {near!r}?" if near else None


def spell_found(value: Any) -> str:
    """A value for a message: short, one line, harmless."""
    if isinstance(value, dict):
        return f"a map with {', '.join(map(str, list(value)[:5])) or 'no keys'}"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    return one_line(repr(value) if isinstance(value, str) else str(value), 80)


def written_path(loc: Iterable[str | int], value: Any) -> Path:
    """The part of pydantic's location that is written in the file.

    Pydantic also names union members and items of lists that were made from one item; those are
    not in the file and are left out. A last part that is missing in the file is kept.
    """
    parts = list(loc)
    path: list[str | int] = []
    here = value
    for index, part in enumerate(parts):
        child = _child(here, part)
        if child is not None:
            path.append(part)
            here = child[0]
        elif index == len(parts) - 1 and isinstance(part, str):
            path.append(part)
    return tuple(path)


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
