"""What an engine, and the build backends beside it, were found able to do. Asks nobody."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

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
    """What the engine of a platform entry can do: `engine` is the word of reconciler.yaml.

    `runs` are platforms its containers can have, its own first, then emulated ones; `version` is
    None where no engine answered, and then `runs` is empty. Times are UTC.
    """

    engine: Word
    version: Text | None = None
    runs: tuple[Platform, ...] = ()
    backends: tuple[Backend, ...] = ()
    found_at: datetime

    def builds(self, platform: str) -> tuple[Backend, ...]:
        """The backends that build a platform, those that run commands before those that copy."""
        full = [backend for backend in self.backends if platform in backend.platforms]
        copying = [item for item in self.backends if platform in item.assembles]
        return (*full, *(item for item in copying if item not in full))
