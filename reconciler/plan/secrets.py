"""Which references to secrets differ between two documents. Pure; knows no values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reconciler.base.source import Path, spell_path
from reconciler.plan.diff import value_at
from reconciler.plan.parts import Document

# Maps from a name to a reference, without a map around each.
_MAPS = {"secrets", "setSecret"}
# Maps whose keys are the user's own: a value named "secret" there is none.
_FREE = {"args", "labels", "set", "values"}
_FACTS = ("version", "expires", "kind")


@dataclass(frozen=True, slots=True)
class SecretFacts:
    """What is declared of a secret: where it is found, and what it is said to be."""

    reference: str
    version: str | None = None
    expires: str | None = None
    kind: str | None = None
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SecretChange:
    """One secret, by the dotted path of its holder; None where it is not there."""

    path: str
    before: SecretFacts | None
    after: SecretFacts | None

    def holds(self, path: str) -> bool:
        """True if a changed field is part of this secret."""
        return path == self.path or path.startswith(self.path + ".")


def secret_changes(before: Document | None, after: Document | None) -> tuple[SecretChange, ...]:
    """The secrets that differ, in the order of their paths."""
    old, new = _by_path(before), _by_path(after)
    return tuple(
        SecretChange(path, old.get(path), new.get(path))
        for path in sorted({*old, *new})
        if old.get(path) != new.get(path)
    )


def secret_places(document: Document) -> list[Path]:
    """The fields of a document that are references to secrets."""
    found = []
    for path, _ in _secrets((), document):
        holder = value_at(document, path)
        found.append((*path, "secret") if isinstance(holder, dict) else path)
    return found


def _by_path(document: Document | None) -> dict[str, SecretFacts]:
    return {spell_path(path): facts for path, facts in _secrets((), document)}


def _secrets(path: Path, value: Any) -> Iterator[tuple[Path, SecretFacts]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _secrets((*path, index), item)
        return
    if not isinstance(value, dict):
        return
    if isinstance(value.get("secret"), str):
        facts = {key: value.get(key) for key in _FACTS}
        scopes = tuple(value.get("scopes") or ())
        yield path, SecretFacts(value["secret"], scopes=scopes, **facts)
        return
    for key, item in value.items():
        if key in _MAPS and isinstance(item, dict):
            for name, reference in item.items():
                yield (*path, key, name), SecretFacts(str(reference))
        elif key not in _FREE:
            yield from _secrets((*path, key), item)
