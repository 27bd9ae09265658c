"""What a run needs from outside, as protocols. Contains no behaviour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from reconciler.base.clock import Clock
from reconciler.model.build import BuildRequest, BuildResult, LocalImage, Login, Transfer
from reconciler.model.choice import Needs
from reconciler.model.run import LogLine, RunRecord
from reconciler.runner.containers import Containers

Stopping = Callable[[], bool]
LARGE_CONTEXT = 100_000_000  # bytes, unless the workspace says otherwise


class Head(Protocol):
    """What a folder is at in Git."""

    @property
    def commit(self) -> str:
        """The commit's full id."""

    @property
    def branch(self) -> str | None:
        """The branch, None when detached."""

    @property
    def dirty(self) -> bool:
        """True if files differ from the commit."""


HeadOf = Callable[[Path], Head | None]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A context on this machine. `root` is what no file may lead out of.

    `shown` is what to call `root` if its path means nothing to a person; `notes` are for the log.
    """

    folder: Path
    root: Path
    commit: str | None = None
    branch: str | None = None
    dirty: bool | None = None
    shown: str | None = None
    notes: tuple[str, ...] = ()


# (source, token or None, stopping): brings the context of a source to this machine. The token is
# for the host of the source only. Raises Failure or Stop.
Fetcher = Callable[[str, str | None, Stopping], Fetched]

# (registry, repository, tag or digest, login) -> the digest it serves, None if it has none.
# Raises RegistryRefused if it cannot be asked.
Registry = Callable[[str, str, str, Login | None], str | None]


class LogSink(Protocol):
    """Takes masked lines as they come."""

    def write(self, *lines: LogLine) -> None:
        """Keep or show lines that came together."""


class Builder(Protocol):
    """Builds an image."""

    @property
    def name(self) -> str:
        """What the record calls it."""

    @property
    def secrets(self) -> bool:
        """True if it can mount secrets."""

    @property
    def cache(self) -> str:
        """Where it keeps layers: nowhere, in the pushed image, or beside it in a registry.

        `none`, `inline` or `registry`.
        """

    def build(
        self, request: BuildRequest, on_output: Callable[[bytes], None], stopping: Stopping
    ) -> BuildResult:
        """Build; stops soon after `stopping` is true. Raises EngineUnavailable."""


class Images(Protocol):
    """The images of an engine, and the way from and to registries. Raises EngineUnavailable."""

    def platform(self) -> tuple[str, str]:
        """(operating system, architecture) of the engine."""

    def answers(self) -> bool:
        """True if the engine answers."""

    def image(self, reference: str) -> LocalImage | None:
        """The local image of a name or id."""

    def traces(self, reference: str) -> str:
        """Settings and history of an image, as text."""

    def pull(
        self, reference: str, platform: str | None, login: Login | None, stopping: Stopping
    ) -> Transfer:
        """Pull an image into the engine."""

    def push(self, name: str, login: Login | None, stopping: Stopping) -> Transfer:
        """Push a tagged image."""

    def untag(self, name: str) -> None:
        """Take a name away from an image that must not be used. Nothing if there is none."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything a run uses.

    `engine` opens late, so that wrong input is told without one, what builds as a build needs it
    (raises EngineUnavailable if nothing does), and the images it builds into; `canceled` says who
    asked for a stop; `interrupted` is true after Ctrl-C; `monotonic` counts seconds; `folder` is
    the run's own, empty and private; `containers` opens the engine for the steps of a task file;
    of a context with more bytes than `large_context` the largest paths are told; `fence` counts
    those who had the run, from 1, and is part of the names of what it makes on an engine; `seen` is
    the digest that a tag (as of `tracked_reference`) is known to have, None if nobody looks at it.
    """

    fetch: Fetcher
    engine: Callable[[Needs], tuple[Images, Builder]]
    registry: Registry
    secret: Callable[[str], str]
    login: Callable[[str], Login | None]
    fingerprint: Callable[[str], str]
    log: LogSink
    on_record: Callable[[RunRecord], None]
    canceled: Callable[[], str | None]
    interrupted: Callable[[], bool]
    clock: Clock
    monotonic: Callable[[], float]
    folder: Path
    containers: Callable[[], Containers] | None = None
    large_context: int = LARGE_CONTEXT
    fence: int = 1
    seen: Callable[[str], str | None] = lambda _reference: None
