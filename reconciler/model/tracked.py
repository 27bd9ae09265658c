"""The images that an applied task stands on, in one spelling each. Asks nobody."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from pydantic import ConfigDict

from reconciler.model.image import parse_reference

BaseKind = Literal["runtime", "buildtime"]
BaseSource = Literal["declared", "observed"]

HUB = "docker.io"
_ALSO_HUB = frozenset(("index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"))
_STRICT = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedBase:
    """One image that a build takes from.

    `reference` is `registry/repository:tag`, or `registry/repository@digest` where the digest is
    written: that one never moves. `runtime` is what the built image comes from in the end, all
    else is `buildtime` (ACR's `Runtime` watches the first kind, `All` both). `file` and `line` say
    where it was read; None where only a run told of it, and line None where an argument names it.
    """

    __pydantic_config__ = _STRICT

    reference: str
    platform: str
    kind: BaseKind
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskBases:
    """What a task stands on. `unknown` says why there may be more; None: these are all."""

    __pydantic_config__ = _STRICT

    images: tuple[TrackedBase, ...] = ()
    unknown: str | None = None


def until_read(bases: TaskBases, former: TaskBases | None) -> TaskBases:
    """What a task is taken to stand on by an apply that could read nothing of it.

    Until its files are read, what was known of it before counts: a build too many is better than
    one too few.
    """
    if former is None or bases.unknown is None or bases.images:
        return bases
    return replace(bases, images=former.images)


def tracked_reference(text: str) -> str:
    """The one spelling of an image name: with registry, Hub's `library/`, and tag or digest.

    Raises ValueError for what is no image name. Rules: the distribution reference.
    """
    parts = parse_reference(text)
    host = (parts.registry or HUB).lower()
    host = HUB if host in _ALSO_HUB else host
    official = host == HUB and "/" not in parts.repository
    repository = f"library/{parts.repository}" if official else parts.repository
    end = f"@{parts.digest}" if parts.digest else f":{parts.tag or 'latest'}"
    return f"{host}/{repository}{end}"
