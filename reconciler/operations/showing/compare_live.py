"""`diff A B`: what is live in two registries, task by task, whatever the specs say."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.base.errors import WrongUsage
from reconciler.base.text import did_you_mean, one_line
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.fields import field_changes
from reconciler.plan.parts import Document, FieldChange
from reconciler.plan.stored import Stored, document_of


@dataclass(frozen=True, slots=True)
class Differing:
    """A task of both registries that is not the same in them; `before` is of the first one."""

    name: str
    paths: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """Names of tasks that only one registry has, tasks that differ, and how many are the same."""

    first: str
    second: str
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    differing: tuple[Differing, ...]
    same: int

    @property
    def any(self) -> bool:
        """True if the registries do not hold the same tasks."""
        return bool(self.only_first or self.only_second or self.differing)


def compare_registries(opened: OpenWorkspace, first: str, second: str) -> Difference:
    """The live tasks of two registries, by name. Raises WrongUsage, StateUnusable."""
    one, other = _registry(opened, first), _registry(opened, second)
    if one == other:
        raise WrongUsage(f"{one_line(one, 80)} is compared with itself", hint="name another one")
    found: dict[str, dict[str, str]] = {one: {}, other: {}}
    for task in opened.provider.read_all():
        registry, _, name = task.address.partition("/")
        if registry in found:
            found[registry][name] = task.document
    left, right = found[one], found[other]
    pairs = {
        name: _fields(name, one, left[name], other, right[name])
        for name in left.keys() & right.keys()
    }
    differing = tuple(Differing(name, paths) for name, paths in sorted(pairs.items()) if paths)
    return Difference(
        one,
        other,
        tuple(sorted(left.keys() - right.keys())),
        tuple(sorted(right.keys() - left.keys())),
        differing,
        len(pairs) - len(differing),
    )


def _fields(name: str, one: str, before: str, other: str, after: str) -> tuple[FieldChange, ...]:
    old, new = _document(one, name, before), _document(other, name, after)
    new["metadata"]["registry"] = one  # that much is known to differ
    return () if old == new else field_changes(old, new)


def _document(registry: str, name: str, text: str) -> Document:
    document = document_of(f"{registry}/{name}", Stored(text))
    assert document is not None  # noqa: S101  (it is None only where nothing is stored)
    return document


def _registry(opened: OpenWorkspace, word: str) -> str:
    """A registry by its name or login server."""
    registries = opened.workspace.registries
    for one in registries:
        if word in {one.name, one.login_server}:
            return one.name
    near = did_you_mean(word, [one.name for one in registries])
    raise WrongUsage(
        f"no registry of this workspace is called {one_line(word, 80)}",
        details=[("allowed", ", ".join(one.name for one in registries) or "none")],
        hint=f"did you mean {near}?" if near else None,
    )
