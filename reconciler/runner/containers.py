"""The containers of a run, as a protocol, and their names and labels. Starts none."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from reconciler.model.container import (
    ATTEMPT_LABEL,
    FENCE_LABEL,
    INSTANCE_LABEL,
    RUN_LABEL,
    STEP_LABEL,
    ContainerEnd,
    ContainerRequest,
    TakeOutput,
    run_name,
)

Stopping = Callable[[], bool]


class Containers(Protocol):
    """Containers, networks and volumes of an engine. Methods raise EngineUnavailable."""

    @property
    def instance(self) -> str:
        """The state these containers belong to; part of every label."""

    @property
    def remote(self) -> bool:
        """True unless the engine is on this machine, and sees its files."""

    def run(
        self,
        request: ContainerRequest,
        on_output: TakeOutput,
        stopping: Stopping,
        on_started: Callable[[], None],
    ) -> ContainerEnd:
        """Run one container to its end and remove it, unless it is kept.

        When `stopping()` becomes true it gets SIGTERM and, if it is still there after its time of
        grace, SIGKILL; it is gone when this returns. `stopped` of its end is false if it had ended
        by itself before.
        """

    def create_network(
        self, name: str, run: str, *, driver: str | None, ipv6: bool, internal: bool
    ) -> None:
        """Make a network of a run; `internal`: nothing in it reaches anything outside of it.

        Raises ValueError with the engine's words if it refuses.
        """

    def create_workspace(
        self,
        name: str,
        run: str,
        folder: Path,
        left_out: Callable[[str], bool],
        check: Callable[[], None],
    ) -> None:
        """Make a volume of a run and copy a folder into it, except the paths that are left out.

        `check` is called now and then and may raise. Raises ValueError as above, and OSError.
        """

    def copy_out(self, volume: str, run: str, path: str, folder: Path) -> bool:
        """Copy a folder of a workspace (relative to it) here. False if there is none."""

    def remove_run(self, run: str) -> list[str]:
        """Remove everything of a run that no later holder made; the names of what would not go."""


def thing_name(run: str, *words: str, fence: int = 1) -> str:
    """`rt-RUN-WORD-...`: a legal name for a container, network or volume of a holder of a run."""
    return "-".join([run_name(run, fence), *map(_legal, words)])


def _legal(word: str) -> str:
    """The word, or what is legal of it and a mark that tells it from others like it."""
    legal = re.sub(r"[^A-Za-z0-9_.-]", "-", word)[:80]
    if legal == word:
        return word
    return f"{legal}-{hashlib.sha256(word.encode('utf-8', 'replace')).hexdigest()[:6]}"


def step_labels(instance: str, run: str, step: str, attempt: int, fence: int) -> dict[str, str]:
    """The labels of a step's container."""
    return {
        INSTANCE_LABEL: instance,
        RUN_LABEL: run,
        FENCE_LABEL: str(fence),
        STEP_LABEL: step,
        ATTEMPT_LABEL: str(attempt),
    }
