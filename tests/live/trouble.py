"""What tests of trouble need: a way to a server that stalls, and what a run left behind."""

from __future__ import annotations

import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import docker
import pytest

from reconciler.model.container import RUN_LABEL

# What a canceled run may take until nothing of it is left.
GONE_SECONDS = 2.0


class Stall:
    """A loopback port in front of a real server: a request with `mark` in it never arrives."""

    def __init__(self, target: str, mark: bytes) -> None:
        host, _, port = target.partition(":")
        self._target, self._mark = (host, int(port)), mark
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.reached = threading.Event()
        self._over = threading.Event()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for end in (self._listener, *self._sockets):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=5)
        for end in (self._listener, *self._sockets):
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                self._sockets += [near, far]
                self._start(self._forward, near, far, True)
                self._start(self._forward, far, near, False)

    def _forward(self, source: socket.socket, target: socket.socket, looks: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if looks and self._mark in data:
                    self.reached.set()
                    self._over.wait()
                    return
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def _start(self, work: Callable[..., None], *words: Any) -> None:
        thread = threading.Thread(target=work, args=words, daemon=True)
        self._threads.append(thread)
        thread.start()


def wait_for(process: subprocess.Popen[str], pattern: str) -> None:
    """Read what a run prints until a line is like that."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if re.search(pattern, line):
            return
    pytest.fail(f"the run ended without printing {pattern}: {''.join(seen)}")


def within(seconds: float, true: Callable[[], bool]) -> bool:
    """Whether it becomes true in time."""
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return true()


def processes_of(root: Path) -> list[str]:
    """The words of every process that works in a folder, names it, or has it in its environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes()  # empty for one that only waits to be reaped
            told = words + (process / "environ").read_bytes()
            if words and (str(root).encode() in told or (process / "cwd").readlink() == root):
                found.append(words.replace(b"\0", b" ").decode("utf-8", "replace"))
    return found


def things_of(engine: docker.DockerClient, run_id: str) -> list[str]:
    """Everything on the engine that carries the run's label."""
    wanted: Any = {"label": f"{RUN_LABEL}={run_id}"}
    return [
        *[str(item["Id"]) for item in engine.api.containers(all=True, filters=wanted)],
        *[str(item["Name"]) for item in engine.api.networks(filters=wanted)],
        *[str(item["Name"]) for item in engine.api.volumes(filters=wanted)["Volumes"] or ()],
    ]
