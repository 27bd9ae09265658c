"""Which names are written by another task than before, or for the first time. Pure.

A name is new beside what the changed tasks wrote live until now. Tasks that stay as they are may
write it too: with a label on both, or where the tag differs from run to run.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    changes: Sequence[Change],
    servers: Mapping[str, str],
    files: TaskFiles = _NO_FILES,
    live: Iterable[tuple[str, str]] = (),
) -> Releases:
    """What changes write anew. `servers` are login servers by name of registry.

    Whoever reads no task files (`files`) is told of none. `live` are addresses and documents of
    live tasks: looked at only if a name is new.
    """
    gained: list[tuple[str, Change, str]] = []
    lost: dict[str, list[str]] = {}
    kept: dict[str, list[str]] = {}
    for change in changes:
        before = _written(change.base, servers, files.before.get(change.address))
        after = _written(change.target, servers, files.after.get(change.address))
        gained += [(name, change, place) for name, place in after.items() if name not in before]
        for name in before.keys() - after.keys():
            lost.setdefault(name, []).append(change.previous_address or change.address)
        for name in before.keys() & after.keys():
            kept.setdefault(name, []).append(change.address)
    if gained:
        changed = {change.previous_address or change.address for change in changes}
        others = ((address, text) for address, text in live if address not in changed)
        for name, address in _writers({name for name, *_ in gained}, others, servers):
            kept.setdefault(name, []).append(address)
    writers: dict[str, int] = {}
    for name, *_ in gained:
        writers[name] = writers.get(name, 0) + 1

    def told(name: str, change: Change, place: str) -> ReleasePath:
        former, beside = tuple(sorted(lost.get(name, ()))), tuple(sorted(kept.get(name, ())))
        registry = change.address.partition("/")[0]
        elsewhere = not name.startswith(servers.get(registry, registry) + "/")
        is_alone = not (former or beside or elsewhere) and writers[name] == 1
        return ReleasePath(
            image=name,
            address=change.address,
            former=former,
            beside=beside,
            elsewhere=elsewhere,
            own=is_alone and change.action is Action.CREATE and _is_own(name, change.address),
            origin=_origin(change, place),
        )

    paths = (told(*item) for item in sorted(gained, key=lambda item: (item[0], item[1].address)))
    return Releases(tuple(paths), tuple(_unknown(files.after)))


def _is_own(name: str, address: str) -> bool:
    """True if a tag differs from run to run, or the repository is called like its task."""
    repository, _, tag = name.rpartition("/")[2].partition(":")
    return "{" in tag or repository == address.rpartition("/")[2]


# A longer pattern takes longer than reading every document.
_MOST_LOOKED_FOR = 200


def _writers(
    names: set[str], tasks: Iterable[tuple[str, str]], servers: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Which of some names tasks write, with their addresses. What is no task writes none."""
    repositories = {_repository(name) for name in names}
    few = len(repositories) <= _MOST_LOOKED_FOR
    said = re.compile("|".join(map(re.escape, sorted(repositories))) if few else "")
    for address, text in tasks:
        if said.search(text) is None:
            continue
        with contextlib.suppress(ValueError, LookupError, TypeError, AttributeError):
            for name in _written(Frozen(text), servers, None).keys() & names:
                yield name, address


def _repository(name: str) -> str:
    """The end of `server/team/web:tag` that a document says of it in any spelling: `web`."""
    return name.rpartition("/")[2].partition(":")[0]


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
