"""What a registry tells of its pushes: notifications of Docker distribution. Believes none of it.

Azure Container Registry names the fields of one event the same way.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from reconciler.wire.fields import PayloadError
from reconciler.wire.json import JsonError, read_json

_KINDS = frozenset(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_MOST = 1000  # events of one message


@dataclass(frozen=True, slots=True)
class Pushes:
    """(repository, tag) of images that were pushed, each once; why others are left out, counted."""

    tags: tuple[tuple[str, str], ...]
    left: dict[str, int]


def read_pushes(body: bytes) -> Pushes:
    """What was pushed. Raises PayloadError.

    Blobs, pulls, deletions, and manifests without a tag are left out.
    """
    try:
        found = read_json(body)
    except JsonError as error:
        raise PayloadError(f"the body is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise PayloadError("the body is no object")
    events = found.get("events", [found])
    if not isinstance(events, list) or len(events) > _MOST:
        raise PayloadError(f"`events` is no list of at most {_MOST:,}")
    read = [_pushed(event) for event in events]
    tags = dict.fromkeys(one for one in read if isinstance(one, tuple))
    return Pushes(tuple(tags), dict(Counter(one for one in read if isinstance(one, str))))


def _pushed(event: Any) -> tuple[str, str] | str:
    """What was pushed, or why it is none of an image."""
    if not isinstance(event, dict) or event.get("action") != "push":
        return "no push"
    target = event.get("target")
    if not isinstance(target, dict) or target.get("mediaType") not in _KINDS:
        return "a push whose mediaType is none of an image"
    repository, tag = target.get("repository"), target.get("tag")
    if not isinstance(repository, str) or not isinstance(tag, str) or not tag:
        return "a push without a tag"
    return repository, tag
