"""Connections that say nothing, and bodies of who has no secret: real sockets, and nobody waits."""

from __future__ import annotations

import json
import resource
import socket
import sqlite3
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from reconciler.model.workspace import Tls
from reconciler.operations.serving.daemon import Daemon as Served
from reconciler.operations.serving.daemon import Parts
from reconciler.operations.workspace import open_workspace
from reconciler.server.app import make_app
from reconciler.server.bodies import Bounds
from reconciler.server.listen import Certificate, listening, open_socket
from tests.flow.serving.desk import SECRET, Daemon, daemon, eventually, signature
from tests.flow.serving.test_admin import certificate
from tests.flow.serving.test_hooks import served, verdict
from tests.unit.wire.payloads import body, push

MOST = 20
REGISTRY = """\
  registries:
    main: {loginServer: registry.contoso.example, secret: {secret: "env:HOOK_SECRET"}}
"""
FORM = f"X-Hub-Signature-256: sha256={'0' * 64}\r\n"


@contextmanager
def few(
    root: Path, *, tls: bool = False, bounds: Bounds | None = None
) -> Iterator[tuple[int, list[str]]]:
    """A daemon that has no more than twenty connections: its port, and what it complains of."""
    opened = open_workspace(root, {"HOOK_SECRET": SECRET})
    complaints: list[str] = []
    parts = Parts(timers=False, watcher=False, worker=False)
    at = Served(opened, parts, lambda *_: None, threading.Event())
    found = open_socket("127.0.0.1:0")
    pair = Certificate(Tls(certificate="server.pem", key="server.key"), root) if tls else None
    try:
        doors = make_app(at.doors, bounds or Bounds())
        with at.running(), listening(doors, found, pair, complain=complaints.append, most=MOST):
            yield found.getsockname()[1], complaints
    finally:
        opened.close()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def told(port: int, head: str) -> bytes:
    """The first bytes of the answer to a head whose body never comes."""
    with connect(port) as connection:
        connection.sendall(head.encode())
        return connection.recv(4096)


@pytest.mark.parametrize("said", ["", "POST /hooks/github HTTP/1.1\r\nHost: x\r\n"])
def test_who_says_nothing_gives_way_to_who_comes(tmp_path: Path, said: str) -> None:
    with few(served(tmp_path / "w").root) as (port, complaints), ExitStack() as stack:
        silent = [stack.enter_context(connect(port)) for _ in range(3 * MOST)]
        for connection in silent:
            with suppress(OSError):  # the oldest ones are hung up on by now
                connection.sendall(said.encode())
        assert httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=30).status_code == 200
        assert silent[0].recv(10) == b""
        assert len(complaints) >= 2 * MOST


def test_who_does_not_send_a_body_gives_way_too(tmp_path: Path) -> None:
    head = f"POST /hooks/github HTTP/1.1\r\nHost: x\r\n{FORM}Content-Length: 9\r\n\r\n"
    with few(served(tmp_path / "w").root) as (port, complaints), ExitStack() as stack:
        for _ in range(2 * MOST):
            stack.enter_context(connect(port)).sendall(head.encode())
        assert httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=30).status_code == 200
        assert complaints


def test_handshakes_that_never_come_silence_nobody(tmp_path: Path) -> None:
    root = served(tmp_path / "w").root
    certificate(root)
    trusted = ssl.create_default_context(cafile=str(root / "server.pem"))
    trusted.check_hostname = False
    with few(root, tls=True) as (port, complaints), ExitStack() as stack:
        silent = [stack.enter_context(connect(port)) for _ in range(3 * MOST)]
        answer = httpx.get(f"https://127.0.0.1:{port}/healthz", verify=trusted, timeout=30)
        assert answer.status_code == 200
        assert silent[0].recv(10) == b""
        assert len(complaints) >= 2 * MOST


def test_without_descriptors_messages_are_taken_and_the_log_stays_small(tmp_path: Path) -> None:
    root = served(tmp_path / "w").root
    with daemon(root, "--no-worker", "--no-timers", "--no-watcher") as at, ExitStack() as stack:
        assert verdict(at.post(push(), delivery="before")) == (202, "queued")
        resource.prlimit(at.process.pid, resource.RLIMIT_NOFILE, (60, 60))
        before = len(at.lines)
        for _ in range(200):
            stack.enter_context(connect(at.port))
        # Who comes in the very moment without any is turned away, and sends it again.
        answer = eventually(lambda: _taken(at))
        assert verdict(answer) == (200, "replayed")
        assert at.client.get(f"{at.url}/healthz").status_code == 200
        assert len(at.lines) < before + 20


def _taken(at: Daemon) -> httpx.Response | None:
    try:
        answer = at.post(push(), delivery="before")
    except httpx.TransportError:
        return None
    return answer if answer.status_code < 500 else None


@pytest.mark.parametrize(
    ("path", "header", "status"),
    [
        ("hooks/nobody", FORM, 404),
        ("hooks/github", "", 401),
        ("hooks/github", "X-Hub-Signature-256: sha256=abc\r\n", 401),
        ("hooks/github", FORM + FORM, 401),
        ("hooks/github", f"{FORM}Content-Encoding: gzip\r\n", 415),
        ("registry/nobody", f"Authorization: Bearer {SECRET}\r\n", 404),
        ("registry/main", "Authorization: Bearer another\r\n", 401),
        ("registry/main", "", 401),
    ],
)
def test_what_is_refused_by_its_head_is_refused_before_its_body_comes(
    tmp_path: Path, path: str, header: str, status: int
) -> None:
    root = served(tmp_path / "w").root
    config = root / "reconciler.yaml"
    config.write_text(config.read_text() + REGISTRY)
    with few(root) as (port, _):
        head = f"POST /{path} HTTP/1.1\r\nHost: x\r\n{header}Content-Length: 20000000\r\n\r\n"
        assert told(port, head).startswith(b"HTTP/1.1 %d " % status)


def test_all_bodies_together_are_bounded_and_their_memory_is_given_back(tmp_path: Path) -> None:
    sent = body(push())
    headers = {
        "content-type": "application/json",
        "x-github-event": "push",
        "x-github-delivery": "d1",
        "x-hub-signature-256": signature(sent),
    }
    bounds = Bounds(all_bodies=len(sent) + 100)
    with few(served(tmp_path / "w").root, bounds=bounds) as (port, _):
        url = f"http://127.0.0.1:{port}/hooks/github"

        def post() -> httpx.Response:
            return httpx.post(url, content=sent, headers=headers, timeout=30)

        with connect(port) as half:
            head = f"POST /hooks/github HTTP/1.1\r\nHost: x\r\n{FORM}Content-Length: 500\r\n\r\n"
            half.sendall(head.encode() + b"x" * 400)
            full = eventually(lambda: (found := post()).status_code == 503 and found)
            assert (full.json()["verdict"], full.headers["retry-after"]) == ("unavailable", "10")
        assert verdict(eventually(lambda: (found := post()).status_code != 503 and found)) in {
            (202, "queued"),
            (200, "replayed"),
        }


@pytest.mark.parametrize("path", ["hooks/github", "registry/main"])
def test_a_state_that_is_locked_is_told_before_a_forge_gives_up(tmp_path: Path, path: str) -> None:
    root = served(tmp_path / "w").root
    with daemon(root, "--no-worker", "--no-timers", "--no-watcher") as at:
        with closing(sqlite3.connect(root / ".reconciler/state.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            # The engine of the state alone would wait twenty seconds.
            at.client.timeout = httpx.Timeout(15)
            answer = at.post(push())
            assert verdict(answer) == (503, "unavailable")
            assert answer.headers["retry-after"] == "10"
        assert verdict(at.post(push())) == (202, "queued")
    assert json.dumps(at.lines).count("is busy") == 1
