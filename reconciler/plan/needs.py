"""Which change needs which other one to be done first, from what the specs say. Pure.

A task needs another if it takes an image that the other writes: as an image of a step, a build
argument, a base in its Dockerfile, or as its context; and if the other names it as `downstream`.
A task is deleted only after those that took from it have gone or changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from reconciler.model.image import release_name, taken_name
from reconciler.plan.change import Action, Change
from reconciler.plan.parts import Document
from reconciler.plan.releases import pushed_images

_ARTIFACT = "oci://"


def needs_of(
    changes: Sequence[Change],
    servers: Mapping[str, str],
    bases: Mapping[str, Sequence[str]],
) -> dict[str, set[str]]:
    """For each change that waits, the addresses of those that are done before it.

    `servers` are login servers by name of registry; `bases` the images that the Dockerfile of a
    task takes from, by address, as they are written there.
    """
    found: dict[str, set[str]] = defaultdict(set)
    targets = ((one.address, one.target.read()) for one in changes if one.target is not None)
    kept = _all_traffic(targets, servers, bases)
    for writer, taker in _pairs(kept, kept.keys()):
        found[taker].add(writer)
    gone = {one.address for one in changes if one.action is Action.DELETE}
    if gone:
        old = ((one.address, one.base.read()) for one in changes if one.base is not None)
        for writer, taker in _pairs(_all_traffic(old, servers, bases), gone):
            found[writer].add(taker)
    return dict(found)


def left_out_bases(
    changes: Iterable[Change],
    left: Iterable[tuple[str, Document]],
    servers: Mapping[str, str],
    bases: Mapping[str, Sequence[str]],
) -> dict[str, set[str]]:
    """Which of the documents that are left out changes build on: the takers, by address of those.

    `servers` and `bases` as for `needs_of`. What is deleted builds on nothing any more.
    """
    targets = ((one.address, one.target.read()) for one in changes if one.target is not None)
    chosen, rest = _all_traffic(targets, servers, bases), _all_traffic(left, servers, {})
    found: dict[str, set[str]] = defaultdict(set)
    for writer, taker in _pairs({**rest, **chosen}, rest.keys()):
        if taker in chosen:
            found[writer].add(taker)
    return dict(found)


def who_builds_on_whom(
    documents: Mapping[str, Document],
    servers: Mapping[str, str],
    bases: Mapping[str, Sequence[str]],
) -> set[tuple[str, str]]:
    """(who writes, who takes from it), for all tasks of some documents."""
    return set(_pairs(_all_traffic(documents.items(), servers, bases), documents.keys()))


def images_from_outside(
    documents: Mapping[str, Document],
    servers: Mapping[str, str],
    bases: Mapping[str, Sequence[str]],
) -> set[tuple[str, str]]:
    """(image as it is written, who takes from it), for images that no task of these writes."""
    written = {name for one in documents.values() for name in _written(one, servers)}
    found = set()
    for address, words in bases.items():
        server = _server(documents[address], servers)
        for word in words:
            own = "/" in word and _repository(taken_name(word.partition("@")[0], server)) in written
            if not own:
                found.add((word, address))
    return found


@dataclass(frozen=True, slots=True)
class _Traffic:
    """The repositories that a task writes and takes from, and the tasks it names as downstream."""

    written: tuple[str, ...]
    taken: tuple[str, ...]
    downstream: tuple[str, ...]


def _all_traffic(
    documents: Iterable[tuple[str, Document]],
    servers: Mapping[str, str],
    bases: Mapping[str, Sequence[str]],
) -> dict[str, _Traffic]:
    """By address. A document is read once and not kept: there may be a hundred thousand."""
    return {
        address: _Traffic(
            tuple(_written(document, servers)),
            tuple(_taken(document, servers, bases.get(address, ()))),
            tuple(_downstream(document)),
        )
        for address, document in documents
    }


def _pairs(traffic: Mapping[str, _Traffic], writers: AbstractSet[str]) -> Iterator[tuple[str, str]]:
    """(who writes, who takes from it), for two different tasks of which one is a writer."""
    written: dict[str, list[str]] = defaultdict(list)
    for address in writers & traffic.keys():
        for repository in traffic[address].written:
            written[repository].append(address)
        for taker in traffic[address].downstream:
            if taker in traffic and taker != address:
                yield address, taker
    if not written:
        return
    for address, one in traffic.items():
        for repository in one.taken:
            for writer in written.get(repository, ()):
                if writer != address:
                    yield writer, address


def _downstream(document: Document) -> Iterator[str]:
    """Addresses of tasks; other names stand for something outside, and fit none."""
    metadata = document["metadata"]
    for name in metadata.get("downstream", ()):
        yield name if "/" in name else f"{metadata['registry']}/{name}"


def _written(document: Document, servers: Mapping[str, str]) -> set[str]:
    server = _server(document, servers)
    images = pushed_images(document["spec"]["step"])
    return {_repository(release_name(image, server)) for _, image in images}


def _taken(document: Document, servers: Mapping[str, str], bases: Iterable[str]) -> set[str]:
    server = _server(document, servers)
    words = [word.partition("@")[0] for word in (*bases, *_words(document)) if "/" in word]
    return {_repository(taken_name(word, server)) for word in words}


def _words(document: Document) -> Iterator[str]:
    """Every word of a task that may name an image it takes from."""
    spec, step = document["spec"], document["spec"]["step"]
    source = spec["context"]["source"]
    if source.startswith(_ARTIFACT):
        yield source.removeprefix(_ARTIFACT)
    for kind, arguments in (("docker", "args"), ("file", "set"), ("inline", "set")):
        yield from step.get(kind, {}).get(arguments, {}).values()
    for item in step.get("inline", {}).get("steps", ()):
        for text in (item.get("cmd"), item.get("build")):
            for word in (text or "").split():
                yield word.rpartition("=")[2]  # --build-arg NAME=IMAGE, too


def _server(document: Document, servers: Mapping[str, str]) -> str:
    registry = document["metadata"]["registry"]
    return servers.get(registry, registry)


def _repository(name: str) -> str:
    """`server/repository`, whatever the tag is."""
    head, _, last = name.rpartition("/")
    return f"{head}/{last.partition(':')[0]}"
