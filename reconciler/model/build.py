"""What a builder and an image store are asked, and what they answer. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Login:
    """User and password (or an identity token) for one registry."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    @property
    def values(self) -> tuple[str, ...]:
        """What must never be printed."""
        return tuple(value for value in (self.password, self.identity_token) if value)


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """One image build. `secrets` holds values by name: they are mounted, never arguments.

    `cache` is a name in a registry under which layers are taken, and kept if
    `cache_kept`, with `cache_login`;
    `classic` asks for the engine's own old builder; `keep` says that the image must stay on an
    engine, for nothing is pushed; `scratch` is a folder on disk for large files.
    """

    context: Path
    dockerfile: Path
    tags: tuple[str, ...] = ()
    args: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    target: str | None = None
    platform: str | None = None
    no_cache: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    offline: bool = False
    cache: str | None = None
    cache_login: Login | None = None
    cache_kept: bool = True
    classic: bool = False
    keep: bool = False
    scratch: Path | None = None


@dataclass(frozen=True, slots=True)
class BuildResult:
    """How a build ended: the image's id, or an exit code and what the builder said."""

    image_id: str | None = None
    exit_code: int = 0
    message: str | None = None
    stopped: bool = False


class Refusal(StrEnum):
    """Why an image could not be pulled or pushed."""

    AUTH = "auth"
    MISSING = "missing"
    CONFLICT = "conflict"
    UNREACHABLE = "unreachable"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Transfer:
    """How a pull or a push ended; `digest` is what the registry calls the image."""

    digest: str | None = None
    refusal: Refusal | None = None
    message: str | None = None
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class LocalImage:
    """An image of the engine: its id, and `repository@digest` names it is known by.

    `triggers`: its ONBUILD instructions, which a build from it does. `platform` is what it was
    made for, `os/architecture` and perhaps a variant; None: not known.
    """

    id: str
    repo_digests: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    platform: str | None = None

    def digest_of(self, repository: str) -> str | None:
        """The digest under which that repository (with its registry) serves the image."""
        for name in self.repo_digests:
            known, _, digest = name.partition("@")
            if known == repository:
                return digest
        return None
