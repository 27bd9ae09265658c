"""Containers in memory: what each one does is set by its first word. No machine is touched."""

# ruff: noqa: ARG002  (a port has arguments that memory has no use for)

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.base.errors import EngineUnavailable
from reconciler.model.container import ContainerEnd, ContainerRequest, TakeOutput
from reconciler.runner.ports import Stopping

_LONGEST = 10.0


@dataclass
class MemoryContainers:
    """`exit N`, `say TEXT`, `hang` (until told to stop), `gone` (the engine goes away), `ok`.

    `codes` are the exit codes of `next`, one for each time.
    """

    instance: str = "memory"
    codes: list[int] = field(default_factory=list)
    requests: list[ContainerRequest] = field(default_factory=list)
    networks: dict[str, bool] = field(default_factory=dict)
    volumes: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    hanging: threading.Event = field(default_factory=threading.Event)
    refusal: str | None = None
    left: list[str] = field(default_factory=list)
    remote: bool = False

    def run(
        self,
        request: ContainerRequest,
        on_output: TakeOutput,
        stopping: Stopping,
        on_started: Callable[[], None],
    ) -> ContainerEnd:
        self.requests.append(request)
        word, rest = request.argv[0], request.argv[1:]
        if word == "refused":
            return ContainerEnd(exit_code=125, message="no such program")
        on_started()
        if word == "gone":
            raise EngineUnavailable("no container engine answers")
        if word == "say":
            on_output(" ".join(rest).encode() + b"\n", "out")
        if word == "hang":
            return self._hang(stopping)
        if word == "next":
            return ContainerEnd(exit_code=self.codes.pop(0))
        return ContainerEnd(exit_code=int(rest[0]) if word == "exit" else 0)

    def _hang(self, stopping: Stopping) -> ContainerEnd:
        self.hanging.set()
        pause = threading.Event()
        for _ in range(int(_LONGEST / 0.005)):
            if stopping():
                return ContainerEnd(exit_code=137, stopped=True)
            pause.wait(0.005)
        raise AssertionError("nobody ended it")

    def create_network(
        self, name: str, run: str, *, driver: str | None, ipv6: bool, internal: bool
    ) -> None:
        if self.refusal:
            raise ValueError(self.refusal)
        self.networks[name] = internal

    def create_workspace(
        self,
        name: str,
        run: str,
        folder: Path,
        left_out: Callable[[str], bool],
        check: Callable[[], None],
    ) -> None:
        self.volumes.append(name)

    def copy_out(self, volume: str, run: str, path: str, folder: Path) -> bool:
        (folder / "Dockerfile").write_text("FROM known\nCOPY made /\n")
        return True

    def remove_run(self, run: str) -> list[str]:
        self.removed.append(run)
        return self.left
