"""One document for one meaning: defaults left out, order without meaning sorted away."""

from __future__ import annotations

import json
from typing import Any

from reconciler.base.canonical import canonical_json, digest_text
from reconciler.model.task import Task
from reconciler.plan.change import Document

# Lists in which order has no meaning.
_SETS = (
    ("metadata", "downstream"),
    ("spec", "context", "token", "scopes"),
    ("spec", "identity", "ids"),
    ("spec", "step", "docker", "images"),
)
# Their last keys: an item of such a list is told by itself, whatever stands before it.
UNORDERED = {path[-1] for path in _SETS} | {"on", "include", "exclude"}


def canonical_document(task: Task) -> Document:
    """The document of a task as it is stored and compared.

    Values equal to a default are left out, so that writing a default out is no change;
    `movedFrom` is an instruction to us and no part of the task.
    """
    document = task.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return _sorted(document)


def full_document(task: Task) -> Document:
    """The same with every default written out, for showing both values of a field."""
    return _sorted(task.model_dump(mode="json", by_alias=True))


def full_of(document: Document) -> Document:
    """A canonical document with every default written out."""
    return full_document(Task.model_validate(document))


def document_hash(document: Document) -> str:
    """Digest of a canonical document."""
    return digest_text(canonical_json(document))


def stored_document(text: str) -> Document:
    """The canonical document of stored JSON, whoever wrote it. Raises ValueError."""
    raw = json.loads(text)
    return canonical_document(Task.model_validate(raw))


def _sorted(document: Document) -> Document:
    document["metadata"].pop("movedFrom", None)
    for path in _SETS:
        _sort_at(document, path)
    for notification in document["spec"].get("notify") or ():
        _sort_at(notification, ("on",))
    triggers = document["spec"].get("triggers") or {}
    for kind in ("commit", "pullRequest"):
        for hook in triggers.get(kind) or ():
            _sort_at(hook, ("token", "scopes"))
            _sort_at(hook, ("paths", "include"))
            _sort_at(hook, ("paths", "exclude"))
    return document


def _sort_at(document: Document, path: tuple[str, ...]) -> None:
    here: Any = document
    for key in path[:-1]:
        here = here.get(key)
        if not isinstance(here, dict):
            return
    if isinstance(here.get(path[-1]), list):
        here[path[-1]] = sorted(here[path[-1]])
