"""Kinds of documents and the folders they belong in. Looks at one document, reads no file."""

from __future__ import annotations

from typing import Any

from reconciler.base.diagnostics import Diagnostic
from reconciler.base.source import Source
from reconciler.base.text import did_you_mean, one_line

SPEC_FOLDER = "specs"
POLICY_FOLDER = "policies"
_FOLDERS = {
    "Task": SPEC_FOLDER,
    "Defaults": SPEC_FOLDER,
    "Policy": POLICY_FOLDER,
    "Waiver": POLICY_FOLDER,
}


def wrong_kind(value: Any, source: Source, folder: str) -> Diagnostic | None:
    """A diagnostic if a document is no map, of unknown kind, or stands in the wrong folder."""
    if not isinstance(value, dict):
        fix = "start it with apiVersion: reconciler/v1 and kind:"
        return Diagnostic("a document is a map", source.locate(()), fix=fix)
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in _FOLDERS:
        return _unknown_kind(value, source, folder)
    if _FOLDERS[kind] == folder:
        return None
    message = f"a {kind} belongs in the folder {_FOLDERS[kind]}/, this is {folder}/"
    return Diagnostic(message, source.locate(("kind",)), fix=f"move it to {_FOLDERS[kind]}/")


def _unknown_kind(value: dict[str, Any], source: Source, folder: str) -> Diagnostic:
    fitting = [kind for kind, home in _FOLDERS.items() if home == folder]
    allowed, place = ", ".join(fitting), source.locate(("kind",))
    if "kind" not in value:
        fix = f"write kind: {fitting[0]}"
        return Diagnostic("kind is missing", place, allowed=allowed, fix=fix)
    kind = value["kind"]
    if kind == "Workspace":
        fix = "keep it in reconciler.yaml"
        return Diagnostic("a Workspace belongs in reconciler.yaml", place, fix=fix)
    near = did_you_mean(kind, _FOLDERS) if isinstance(kind, str) else None
    fix = f"did you mean {near!r}?" if near else f"write kind: {fitting[0]}"
    shown = one_line(repr(kind), 60) if isinstance(kind, str | int | float) else "that is no word"
    return Diagnostic(f"unknown kind {shown}", place, allowed=allowed, fix=fix)
