"""A daemon in a process of its own, and messages to its hook as a forge would send them."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from reconciler.store.database import Database, open_database
from tests.unit.wire.payloads import body as body_of

SECRET = "a secret between the forge and us"
WAIT_SECONDS = 60


def eventually(check: Callable[[], Any], seconds: float = WAIT_SECONDS) -> Any:
    """What `check` says as soon as it is true."""
    end = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)
    return found


def signature(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@dataclass
class Daemon:
    """A running `reconciler serve`. `lines` are its log, as objects."""

    root: Path
    process: subprocess.Popen[str]
    port: int = 0
    lines: list[dict[str, str]] = field(default_factory=list)
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30, trust_env=False))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def post(
        self,
        payload: object,
        event: str = "push",
        delivery: str = "d1",
        hook: str = "github",
        **headers: str,
    ) -> httpx.Response:
        body = payload if isinstance(payload, bytes) else body_of(payload)
        sent = {
            "content-type": "application/json",
            "x-github-event": event,
            "x-github-delivery": delivery,
            "x-hub-signature-256": signature(body),
        }
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(f"{self.url}/hooks/{hook}", content=body, headers=sent)

    def raw(self, data: bytes, seconds: float = 20) -> bytes:
        """Send bytes, and read until the daemon hangs up."""
        found = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            connection.sendall(data)
            with contextlib.suppress(ConnectionResetError):
                while part := connection.recv(65536):
                    found += part
        return found

    def kill(self) -> None:
        """As `kill -9`."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """As a service manager does."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=WAIT_SECONDS)

    def told(self, part: str) -> list[dict[str, str]]:
        return [line for line in self.lines if line["part"] == part]


@contextmanager
def daemon(root: Path, *words: str, **environment: str) -> Iterator[Daemon]:
    """A daemon of the workspace in a folder; killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", "serve", "--listen", "127.0.0.1:0", *words],
        cwd=root,
        env={**os.environ, "HOOK_SECRET": SECRET, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    found = Daemon(root, process)
    reader = threading.Thread(target=_read, args=(found,), daemon=True)
    reader.start()
    try:
        eventually(lambda: found.port or process.poll() is not None)
        assert process.poll() is None, found.lines
        yield found
    finally:
        process.kill()
        process.wait()
        reader.join()
        found.client.close()


def _read(found: Daemon) -> None:
    assert found.process.stderr is not None
    with found.process.stderr as lines:
        for line in lines:
            try:
                found.lines.append(json.loads(line))
            except ValueError:
                found.lines.append({"part": "?", "message": line})
            listening = re.search(r"listening on 127\.0\.0\.1:(\d+)", line)
            if listening:
                found.port = int(listening[1])


@contextmanager
def state(root: Path) -> Iterator[Database]:
    """The state of a workspace."""
    opened = open_database("sqlite:///.reconciler/state.db", root)
    try:
        yield opened
    finally:
        opened.close()
