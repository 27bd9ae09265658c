"""What an engine, and the build backends beside it, were found able to do. Asks nobody."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import ValidationError

from reconciler.model.common import Flag, Model, Text, Word
from reconciler.model.platform import Platform


class BackendKind(StrEnum):
    """Ways to build an image, in the order they are preferred."""

    BUILDCTL = "buildctl"  # a buildkitd at a declared address
    BUILDKIT = "buildkit"  # the docker client: built in, or the plugin buildx
    CLASSIC = "classic"  # the engine's own builder
    BUILDAH = "buildah"  # no daemon at all


class Backend(Model):
    """One way to build. `platforms`: with RUN; `assembles`: only from scratch, by COPY and ADD.

    `cache` is where layers can be kept: nowhere, inside the pushed image, or beside it.
    """

    kind: BackendKind
    version: Text
    platforms: tuple[Platform, ...]
    assembles: tuple[Platform, ...] = ()
    secrets: Flag = False
    cache: Literal["none", "inline", "registry"] = "none"


class Capability(Model):
    """What the engine of a platform entry can do: `engine` is the word of reconciler.yaml, and
    `buildkit` the address of the buildkitd beside it.

    `runs` are platforms its containers can have, its own first, then emulated ones; `version` is
    None where no engine answered, and then `runs` is empty. Times are UTC.
    """

    engine: Word
    buildkit: Word | None = None
    version: Text | None = None
    runs: tuple[Platform, ...] = ()
    backends: tuple[Backend, ...] = ()
    at: datetime


class Recorded(Model):
    """A capability as the state keeps it: who found it, and with which command."""

    capability: Capability
    by: Text
    command: Word


def read_recorded(documents: Iterable[str]) -> tuple[Recorded, ...]:
    """What JSON documents say; one that another version wrote otherwise says nothing."""
    found = []
    for document in documents:
        try:
            found.append(Recorded.model_validate_json(document))
        except ValidationError:
            continue
    return tuple(found)
