"""Tokens pasted into fields that are no place for them: a description, a label, an owner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.base.credentials import holds_token
from reconciler.base.diagnostics import Diagnostic
from reconciler.base.source import Path, Source, spell_path


def pasted_tokens(value: Any, source: Source, task: str) -> list[Diagnostic]:
    """An error for each text of a valid document that holds a token. Never repeats it."""
    # No token spans two lines: all texts are looked through at once, and mostly that is all.
    if not holds_token("\n".join(_texts(value))):
        return []
    return [
        Diagnostic(
            f"{spell_path(path)} holds what looks like a token",
            source.locate(path),
            task=task,
            found="(hidden: it may be a secret)",
            fix="revoke the token, remove it here, and hand it over as a reference (env:NAME)",
        )
        for path in _paths(value, ())
    ]


def _texts(value: Any) -> list[str]:
    found, waiting = list[str](), [value]
    while waiting:
        here = waiting.pop()
        if isinstance(here, str):
            found.append(here)
        elif isinstance(here, dict):
            waiting += here.values()
        elif isinstance(here, list):
            waiting += here
    return found


def _paths(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, str):
        if holds_token(value):
            yield path
    elif isinstance(value, dict):
        for key, child in value.items():
            yield from _paths(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _paths(child, (*path, index))
