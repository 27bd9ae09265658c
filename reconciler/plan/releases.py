"""Which names are written by another task than before, or for the first time. Pure.

A name is new only beside what the changed tasks wrote live until now: a task that stays as it is
and writes the same name is refused when the specs are read, unless both carry the label for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.base.source import spell_path
from reconciler.model.image import release_name
from reconciler.plan.change import Change
from reconciler.plan.facts import ReleasePath
from reconciler.plan.parts import Document

_Path = tuple[str | int, ...]


def release_paths(changes: Iterable[Change], servers: Mapping[str, str]) -> tuple[ReleasePath, ...]:
    """The new names, in the order of names. `servers` are login servers by name of registry."""
    gained: list[tuple[str, Change, _Path]] = []
    lost: dict[str, list[str]] = {}
    for change in changes:
        before, after = _written(change.base, servers), _written(change.target, servers)
        gained += [(name, change, path) for name, path in after.items() if name not in before]
        for name in before.keys() - after.keys():
            lost.setdefault(name, []).append(change.previous_address or change.address)
    return tuple(
        ReleasePath(
            image=name,
            address=change.address,
            former=tuple(sorted(lost.get(name, ()))),
            origin=_origin(change, spell_path(path)),
        )
        for name, change, path in sorted(gained, key=lambda item: (item[0], item[1].address))
    )


def _origin(change: Change, path: str) -> str | None:
    """Where the name is written; where only the push is new, where that is."""
    places = {field.path: field.origin for field in change.paths if field.origin}
    return places.get(path) or next(
        (place for name, place in places.items() if name.startswith("spec.step.")), None
    )


def _written(document: Document | None, servers: Mapping[str, str]) -> dict[str, _Path]:
    """The names a task writes, each with the place of the first that says so."""
    if document is None:
        return {}
    registry = document["metadata"]["registry"]
    server = servers.get(registry, registry)
    found: dict[str, _Path] = {}
    for path, image in pushed_images(document["spec"]["step"]):
        found.setdefault(release_name(image, server), ("spec", "step", *path))
    return found


def pushed_images(step: Document) -> Iterator[tuple[_Path, str]]:
    """The image names that a step pushes, each with its path below the step."""
    docker = step.get("docker", {})
    if docker.get("push", True):
        for index, image in enumerate(docker.get("images", ())):
            yield ("docker", "images", index), image
    for number, item in enumerate(step.get("inline", {}).get("steps", ())):
        for index, image in enumerate(item.get("push") or ()):
            yield ("inline", "steps", number, "push", index), image
