"""What a task file says once it is read: steps, networks, volumes, secrets. Holds data only.

Source of the properties: https://learn.microsoft.com/azure/container-registry/container-registry-tasks-reference-yaml
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal

from reconciler.base.diagnostics import Diagnostic, has_errors
from reconciler.base.errors import InvalidInput

DEFAULT_STEP_TIMEOUT = 600
DEFAULT_RETRY_DELAY = 5
DEFAULT_WORKING_DIRECTORY = "/workspace"
DEFAULT_NETWORK = "acb_default_network"

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret read from a vault before the steps. `keyvault` is its URL, as written."""

    id: str
    keyvault: str
    client_id: str | None = None
    line: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Network:
    """A network of the run; `create` is False where it exists already and stays."""

    name: str
    driver: str | None = None
    ipv6: bool = False
    create: bool = True
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume of secret files: names and exact bytes (never shown)."""

    name: str
    files: tuple[tuple[str, bytes], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume at a path inside a step."""

    volume: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFrame:
    """What every step has. `needs` are the ids it waits for; seconds everywhere.

    `line` is where the step stands in the source. `start_delay` is not part of `timeout`.
    """

    id: str
    needs: tuple[str, ...] = ()
    timeout: int = DEFAULT_STEP_TIMEOUT
    start_delay: int = 0
    ignore_errors: bool = False
    line: int = 1

    def values(self) -> dict[str, Any]:
        """Its values by name, to make a step of them."""
        return {known.name: getattr(self, known.name) for known in fields(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeating:
    """How often something is tried. A run of it is repeated `repeat` times more, each retried.

    `retry_on_errors`: retry only if the output holds one of these texts; empty: always.
    """

    retries: int = 0
    retry_delay: int = DEFAULT_RETRY_DELAY
    retry_on_errors: tuple[str, ...] = ()
    repeat: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerFrame(StepFrame):
    """What cmd and build steps share. Values of `env` and `argv` may be secret.

    `working_directory` is None where the image's own holds; `network` None: the engine's own.
    """

    argv: tuple[str, ...] = field(default=(), repr=False)
    env: Pairs = field(default=(), repr=False)
    attempts: Repeating = Repeating()
    network: str | None = None
    working_directory: str | None = DEFAULT_WORKING_DIRECTORY
    mounts: tuple[Mount, ...] = ()
    detach: bool = False
    keep: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CmdStep(ContainerFrame):
    """A container: `image` and, in `argv`, the words after it."""

    kind: Literal["cmd"] = "cmd"
    image: str = ""
    pull: bool = False
    download_retries: int = 0
    download_retry_delay: int = 0
    privileged: bool = False
    user: str | None = None
    isolation: str | None = None
    cpus: str | None = None
    entry_point: str | None = None
    ports: tuple[str, ...] = ()
    expose: tuple[str, ...] = ()
    exited_with: tuple[int, ...] = ()
    exited_without: tuple[int, ...] = ()

    def succeeded(self, exit_code: int) -> bool:
        """True if this exit code means success."""
        if self.exited_with:
            return exit_code in self.exited_with
        if self.exited_without:
            return exit_code not in self.exited_without
        return exit_code == 0


@dataclass(frozen=True, slots=True)
class BuildArguments:
    """What the words of a `docker build` ask for. `options` are the other flags, as written."""

    context: str = "."
    file: str | None = None
    tags: tuple[str, ...] = ()
    args: tuple[tuple[str, str | None], ...] = field(default=(), repr=False)
    target: str | None = None
    platform: str | None = None
    no_cache: bool = False
    pull: bool = False
    labels: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildStep(ContainerFrame):
    """An image build. `argv` are the words as given, `build` what they mean.

    `buildkit` is False where the classic builder does it; `detach` is only kept from files that
    are read as ACR's engine does, where it means nothing.
    """

    kind: Literal["build"] = "build"
    build: BuildArguments = BuildArguments()
    cache: bool = False
    buildkit: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PushStep(StepFrame):
    """Images to push, in order, each once; `:latest` is written out."""

    kind: Literal["push"] = "push"
    images: tuple[str, ...] = ()


Step = CmdStep | BuildStep | PushStep


@dataclass(frozen=True, slots=True)
class TaskFile:
    """A task file that was read. With an error among `diagnostics` it has no steps.

    `masked` are the secret values that went into it: mask them in everything that is shown.
    """

    version: str = "v1.0.0"
    steps: tuple[Step, ...] = ()
    networks: tuple[Network, ...] = ()
    volumes: tuple[Volume, ...] = ()
    secrets: tuple[Secret, ...] = ()
    step_timeout: int = DEFAULT_STEP_TIMEOUT
    working_directory: str = DEFAULT_WORKING_DIRECTORY
    env: Pairs = field(default=(), repr=False)
    diagnostics: tuple[Diagnostic, ...] = ()
    masked: tuple[str, ...] = field(default=(), repr=False)

    @property
    def refused(self) -> bool:
        """True if it must not run."""
        return has_errors(self.diagnostics)

    def checked(self) -> TaskFile:
        """Itself. Raises InvalidInput with all diagnostics if it must not run."""
        if self.refused:
            raise InvalidInput(self.diagnostics)
        return self
