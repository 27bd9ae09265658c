"""A real smart-HTTP Git server for tests: `git http-backend` behind a small WSGI application.

Records the headers of every request, so that a test can say what a host was given.
"""

from __future__ import annotations

import base64
import os
import socketserver
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from tests.listening import listening


@dataclass
class GitServer:
    """A running server. `requests` are (path, authorization header or "")."""

    root: Path
    port: int = 0
    username: str | None = None
    password: str | None = None
    redirect_to: str | None = None
    requests: list[tuple[str, str]] = field(default_factory=list)
    sent: int = 0  # bytes of all bodies

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def application(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        given = environ.get("HTTP_AUTHORIZATION", "")
        self.requests.append((environ["PATH_INFO"], given))
        if self.redirect_to is not None:
            place = self.redirect_to + environ["PATH_INFO"] + "?" + environ["QUERY_STRING"]
            start_response("302 Found", [("Location", place)])
            return [b""]
        if self.username is not None:
            pair = f"{self.username}:{self.password}".encode()
            if given != "Basic " + base64.b64encode(pair).decode():
                start_response("401 Unauthorized", [("WWW-Authenticate", 'Basic realm="git"')])
                return [b"no"]
        return self._backend(environ, start_response)

    def _backend(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        body = _body(environ)
        variables = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": environ["PATH_INFO"],
            "QUERY_STRING": environ["QUERY_STRING"],
            "REQUEST_METHOD": environ["REQUEST_METHOD"],
            "CONTENT_TYPE": environ.get("CONTENT_TYPE", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_USER": self.username or "",
            "REMOTE_ADDR": "127.0.0.1",
            "GIT_PROTOCOL": environ.get("HTTP_GIT_PROTOCOL", ""),
            "HTTP_CONTENT_ENCODING": environ.get("HTTP_CONTENT_ENCODING", ""),
            "GIT_CONFIG_COUNT": "3",
            "GIT_CONFIG_KEY_0": "uploadpack.allowFilter",
            "GIT_CONFIG_VALUE_0": "true",
            "GIT_CONFIG_KEY_1": "uploadpack.allowAnySHA1InWant",
            "GIT_CONFIG_VALUE_1": "true",
            "GIT_CONFIG_KEY_2": "safe.directory",
            "GIT_CONFIG_VALUE_2": "*",
        }
        answer = subprocess.run(
            ["git", "http-backend"], input=body, env=variables, capture_output=True, check=False
        ).stdout
        head, _, content = answer.partition(b"\r\n\r\n")
        headers = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n") if line]
        status = next((value for name, value in headers if name == "Status"), "200 OK")
        start_response(status, [(n, v) for n, v in headers if n != "Status"])
        self.sent += len(content)
        return [content]


def _body(environ: dict[str, Any]) -> bytes:
    stream = environ["wsgi.input"]
    if environ.get("HTTP_TRANSFER_ENCODING", "").lower() != "chunked":
        return bytes(stream.read(int(environ.get("CONTENT_LENGTH") or 0)))
    chunks = []
    while size := int(stream.readline().split(b";")[0], 16):
        chunks.append(stream.read(size))
        stream.readline()
    return b"".join(chunks)


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


class _Threaded(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


@contextmanager
def serve_git(root: Path, **options: Any) -> Iterator[GitServer]:
    """A server over all bare repositories in `root`, until the end of the block."""
    server = GitServer(root, **options)
    with make_server("127.0.0.1", 0, server.application, _Threaded, _Quiet) as http:
        server.port = http.server_port
        with listening(http):
            yield server


def make_repository(
    root: Path, name: str, files: dict[str, str], branch: str = "trunk"
) -> tuple[Path, str]:
    """A bare repository `root/name.git` with one commit; its folder and the commit's id."""
    work, bare = root / f"{name}-work", root / f"{name}.git"
    work.mkdir(parents=True)
    git(work, "init", "--quiet", f"--initial-branch={branch}")
    commit = add_commit(work, files, "first")
    git(root, "clone", "--quiet", "--bare", str(work), str(bare))
    git(work, "remote", "add", "origin", str(bare))
    return work, commit


def add_commit(work: Path, files: dict[str, str], message: str) -> str:
    """Write files and commit them; the commit's id."""
    for path, text in files.items():
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text(text)
    git(work, "add", "--all")
    author = ["-c", "user.name=Test", "-c", "user.email=test@contoso.example"]
    git(work, *author, "commit", "--quiet", "--message", message)
    return git(work, "rev-parse", "HEAD").strip()


def git(folder: Path, *words: str) -> str:
    """Run git without anybody's configuration."""
    variables = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", *words], cwd=folder, env=variables, check=True, capture_output=True, text=True
    )
    return done.stdout
