"""Which names are written by another task than before, or for the first time. Pure.

A name is new only beside what the changed tasks wrote live until now: a task that stays as it is
and writes the same name is refused when the specs are read, unless both carry the label for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.base.source import spell_path
from reconciler.model.image import release_name
from reconciler.plan.change import Action, Change
from reconciler.plan.facts import ReleasePath, UnknownRelease
from reconciler.plan.parts import Document, Frozen

_Path = tuple[str | int, ...]
_IN_SPEC = "spec.step."


@dataclass(frozen=True, slots=True)
class FilePushes:
    """What a task file pushes: names, each with its place; or why that is `unknown`."""

    images: Mapping[str, str] = field(default_factory=dict)
    unknown: str | None = None
    file: str = ""
    repositories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskFiles:
    """What the task files of changed tasks push, by address: as live, and as they will be."""

    before: Mapping[str, FilePushes] = field(default_factory=dict)
    after: Mapping[str, FilePushes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Releases:
    """The new names, in the order of names; and the tasks of which nobody can tell."""

    paths: tuple[ReleasePath, ...]
    unknown: tuple[UnknownRelease, ...]


_NO_FILES = TaskFiles()


def release_paths(
    changes: Iterable[Change], servers: Mapping[str, str], files: TaskFiles = _NO_FILES
) -> Releases:
    """What changes write anew. `servers` are login servers by name of registry.

    Whoever reads no task files (`files`) is told of none.
    """
    gained: list[tuple[str, Change, str]] = []
    lost: dict[str, list[str]] = {}
    for change in changes:
        before = _written(change.base, servers, files.before.get(change.address))
        after = _written(change.target, servers, files.after.get(change.address))
        gained += [(name, change, place) for name, place in after.items() if name not in before]
        for name in before.keys() - after.keys():
            lost.setdefault(name, []).append(change.previous_address or change.address)
    paths = tuple(
        ReleasePath(
            image=name,
            address=change.address,
            former=tuple(sorted(lost.get(name, ()))),
            origin=_origin(change, place),
        )
        for name, change, place in sorted(gained, key=lambda item: (item[0], item[1].address))
    )
    return Releases(paths, tuple(_unknown(files.after)))


def _unknown(files: Mapping[str, FilePushes]) -> Iterator[UnknownRelease]:
    for address, found in sorted(files.items()):
        if found.unknown is not None:
            yield UnknownRelease(
                address=address,
                file=found.file,
                why=found.unknown,
                repositories=found.repositories,
            )


def _origin(change: Change, path: str) -> str | None:
    """Where the name is written; where only the push is new, where that is.

    `path` is that of the field; of a name in a task file it is the place itself.
    """
    if not path.startswith(_IN_SPEC):
        return path
    places = {field.path: field.origin for field in change.paths if field.origin}
    if path in places:
        return places[path]
    if change.action is Action.CREATE:
        return f"{change.cause.file}:{change.cause.line}:1" if change.cause is not None else None
    return next((place for name, place in places.items() if name.startswith(_IN_SPEC)), None)


def _written(
    frozen: Frozen | None, servers: Mapping[str, str], file: FilePushes | None
) -> dict[str, str]:
    """The names a task writes, each with the field or place of the first that says so."""
    if frozen is None:
        return {}
    document = frozen.read()
    registry = document["metadata"]["registry"]
    server = servers.get(registry, registry)
    found: dict[str, str] = {}
    for path, image in pushed_images(document["spec"]["step"]):
        found.setdefault(release_name(image, server), spell_path(("spec", "step", *path)))
    for image, place in (file.images if file else {}).items():
        found.setdefault(release_name(image, server), place)
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
