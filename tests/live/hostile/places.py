"""Real servers that do what a hostile one would, and the front door that contexts come through."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from reconciler.operations.running.contexts import Contexts, OwnSource
from reconciler.runner.context import LocalFolders
from reconciler.runner.failure import Failure
from reconciler.runner.ports import Fetched
from tests.listening import listening

# (path, headers of the request) -> (status, headers, body in pieces)
Answer = tuple[int, Mapping[str, str], Iterator[bytes]]
Answers = Callable[[str], Answer]


@dataclass
class Server:
    """A server on loopback; `requests` are (path, host header, authorization or "").

    `connections` counts those that were made, with a request or without.
    """

    port: int = 0
    connections: int = 0
    requests: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"


@contextmanager
def serving(answers: Answers) -> Iterator[Server]:
    """A server whose answers are those of a function, until the end of the block."""
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = self.headers
            server.requests.append(
                (self.path, headers.get("Host", ""), headers.get("Authorization", ""))
            )
            status, more, body = answers(self.path)
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for piece in body:
                    self.wfile.write(piece)
            except OSError:
                self.close_connection = True  # the other side had enough

        def log_message(self, *_: Any) -> None:
            pass

    class Listener(ThreadingHTTPServer):
        def get_request(self) -> tuple[Any, Any]:
            server.connections += 1
            return super().get_request()

    with Listener(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        server.port = http.server_port
        with listening(http):
            yield server


def page(data: bytes, status: int = 200, **headers: str) -> Answer:
    """An answer with a body of known length."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, {"Content-Length": str(len(data)), **named}, iter([data])


def redirect(target: str) -> Answer:
    return page(b"", 302, Location=target)


@dataclass
class Door:
    """Fetches contexts as a run does: `declared` are the hosts with `insecure: true`.

    `names` are the addresses of a host, one after the other; `every` those told all at once.
    """

    place: Path
    declared: set[str] = field(default_factory=set)
    names: dict[str, list[str]] = field(default_factory=dict)
    every: dict[str, list[str]] = field(default_factory=dict)
    own: OwnSource | None = None
    looked_up: list[str] = field(default_factory=list)
    stopping: Callable[[], bool] = lambda: False

    def fetch(self, source: str, token: str | None = None) -> Fetched:
        place = self.place / "work"
        place.mkdir(exist_ok=True)
        local = LocalFolders(self.place, self.place, lambda _folder: None)
        contexts = Contexts(local, place, frozenset(self.declared), self.own, resolver=self.resolve)
        return contexts(source, token, self.stopping)

    def refuse(self, source: str, token: str | None = None) -> str:
        """The message of a context that is refused, with nothing of it left behind."""
        with pytest.raises(Failure) as caught:
            self.fetch(source, token)
        left = [path for path in (self.place / "work").rglob("*") if path.is_file()]
        assert left == []
        return caught.value.message

    def resolve(self, host: str, _port: int) -> list[str]:
        """A server of names that answers what a test says, one answer after the other."""
        self.looked_up.append(host)
        if host in self.every:
            return self.every[host]
        told = self.names.get(host)
        if not told:
            raise OSError("no such name")
        return [told.pop(0) if len(told) > 1 else told[0]]
