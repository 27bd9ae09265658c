"""Errors of the models, told as diagnostics: place, what was found, what is allowed, the fix."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError

from reconciler.base.credentials import holds_credential
from reconciler.base.diagnostics import Diagnostic
from reconciler.base.source import Path, Source
from reconciler.base.text import did_you_mean, one_line, plural
from reconciler.loader.written import known_keys, written_path

MOST = 50  # diagnostics for one document: more help nobody
_LONGEST_KEY = 100  # a longer one is no slip of the pen

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
}
_LIMITS = {
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
    "greater_than": ("more than", "gt"),
    "less_than": ("less than", "lt"),
}
_TEXTS = {
    "literal_error": "is not one of the allowed words",
    "enum": "is not one of the allowed words",
    "too_short": "is empty",
    "string_too_long": "has more than {max_length} characters",
    "string_too_short": "needs at least {min_length} characters",
    "greater_than_equal": "is too small",
    "less_than_equal": "is too large",
    "greater_than": "is too small",
    "less_than": "is too large",
}
# Errors and fields whose input may be a secret pasted by mistake: never repeated.
_SECRET_ERRORS = {
    "reconciler_secret",
    "reconciler_source",
    "reconciler_argument",
    "reconciler_state",
}
_SECRET_KEYS = {
    "secret",
    "secrets",
    "setSecret",
    "token",
    "password",
    "username",
    "url",
    "updateEndpoint",
    "state",
}
_FIXES = {
    "reconciler_secret": "write where the secret is found, e.g. env:GIT_TOKEN",
    "reconciler_source": "take the credential out of the location; use context.token",
    "reconciler_argument": "hand it over as a secret: it is mounted and leaves no trace",
}
_HIDDEN = "(hidden: it may be a secret)"


def explain(
    error: ValidationError, model: type[BaseModel], value: Any, source: Source, task: str | None
) -> list[Diagnostic]:
    """Diagnostics for the errors of validating `value` against `model`, at most `MOST` of them."""
    items = error.errors(include_url=False)
    items = [item for item in items if not _follows(item, items)]
    found = [_explain_one(item, model, value, source, task) for item in items[:MOST]]
    if len(items) > MOST:
        rest = plural(len(items) - MOST, "more problem")
        found.append(Diagnostic(f"{rest} in this document", source.locate(()), task=task))
    return list(dict.fromkeys(found))


def _follows(item: Any, items: list[Any]) -> bool:
    """True for a list that is too short only because its items are wrong."""
    if item["type"] != "too_short":
        return False
    loc = item["loc"]
    return any(len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in items)


def _explain_one(
    item: Any, model: type[BaseModel], value: Any, source: Source, task: str | None
) -> Diagnostic:
    kind = item["type"]
    path = written_path(item["loc"], value, missing=kind == "missing")
    if kind == "extra_forbidden":
        return _unknown_key(path, known_keys(model, item["loc"][:-1]), source, task)
    if kind == "missing":
        where = f" in {_spell(path[:-1])}" if path[:-1] else ""
        message = f"the key {path[-1]!r} is missing{where}"
        place, fix = source.locate(path[:-1]), f"add {path[-1]}:"
        return Diagnostic(message, place, code="missing", task=task, fix=fix)
    hidden = kind in _SECRET_ERRORS or any(part in _SECRET_KEYS for part in path)
    return Diagnostic(
        _message(item, path),
        source.locate(path),
        task=task,
        found=_HIDDEN if hidden else spell_found(item["input"]),
        allowed=_allowed(item),
        fix=_FIXES.get(kind) or _near_fix(item),
    )


def _unknown_key(path: Path, allowed: set[str], source: Source, task: str | None) -> Diagnostic:
    name = str(path[-1])
    near = did_you_mean(name, allowed) if len(name) <= _LONGEST_KEY else None
    return Diagnostic(
        f"unknown key {_HIDDEN if holds_credential(name) else one_line(repr(name), 80)}",
        source.locate(path),
        task=task,
        allowed=None if near else ", ".join(sorted(allowed)),
        fix=f"did you mean {near!r}?" if near else "remove the key",
    )


def _spell(path: Path) -> str:
    return ".".join(
        "(hidden)" if holds_credential(str(part)) else one_line(str(part), 60) for part in path
    )


def _message(item: Any, path: Path) -> str:
    where, kind = _spell(path) or "the document", item["type"]
    if kind.startswith("reconciler_"):
        return f"{where}: {item['msg']}"
    if kind in _WANTED:
        return f"{where} is not {_WANTED[kind]}"
    if kind in _TEXTS:
        return f"{where} {_TEXTS[kind].format(**item.get('ctx', {}))}"
    return f"{where}: {item['msg'][:1].lower()}{item['msg'][1:]}"


def _allowed(item: Any) -> str | None:
    kind, context = item["type"], item.get("ctx", {})
    if kind in _WANTED:
        return _WANTED[kind]
    if kind in {"literal_error", "enum"}:
        return ", ".join(_words(item))
    if kind in _LIMITS:
        word, key = _LIMITS[kind]
        return f"{word} {context[key]}"
    if kind == "string_pattern_mismatch":
        return f"text that matches {context['pattern']}"
    return None


def _words(item: Any) -> list[str]:
    text = str(item.get("ctx", {}).get("expected", "")).replace("' or '", "', '")
    return text.strip("'").split("', '")


def _near_fix(item: Any) -> str | None:
    value, kind = item["input"], item["type"]
    near = None
    if kind in {"literal_error", "enum"} and isinstance(value, str):
        near = did_you_mean(value[:_LONGEST_KEY], _words(item))
    if kind == "reconciler_step" and isinstance(value, dict):
        words = (did_you_mean(key[:_LONGEST_KEY], ("docker", "file", "inline")) for key in value)
        near = next((word for word in words if word and word not in value), None)
    return f"did you mean {near!r}?" if near else None


def spell_found(value: Any) -> str:
    """A value for a message: short, one line, harmless, and never what may be a credential."""
    if isinstance(value, dict):
        names = ", ".join(map(str, list(value)[:5])) or "no keys"
        return _HIDDEN if holds_credential(names) else one_line(f"a map with {names}", 80)
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if holds_credential(str(value)):
        return _HIDDEN
    return one_line(repr(value) if isinstance(value, str) else str(value), 80)
