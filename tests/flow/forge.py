"""The comments of one pull request, as GitHub and Azure DevOps serve them, on the loopback.

Shapes: GitHub REST "issues/comments"; Azure DevOps REST 7.1 "pullRequestThreads".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.listening import listening

TOKEN = "planted-token-5c1d"


class Forge(ThreadingHTTPServer):
    """Holds comments: id, login of the author, text. Refuses whoever has no token."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.comments: list[dict[str, Any]] = []
        self.calls: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def add(self, login: str, text: str) -> dict[str, Any]:
        self.comments.append({"id": len(self.comments) + 1, "login": login, "text": text})
        return self.comments[-1]


class _Handler(BaseHTTPRequestHandler):
    server: Forge

    def do_GET(self) -> None:
        words = parse_qs(urlsplit(self.path).query)
        if "/threads" in self.path:
            self._answer({"value": [self._thread(one) for one in self.server.comments]})
            return
        page, size = int(words["page"][0]), int(words["per_page"][0])
        shown = self.server.comments[(page - 1) * size : page * size]
        self._answer([self._comment(one) for one in shown])

    def do_POST(self) -> None:
        content = self._content()
        text = content["body"] if "body" in content else content["comments"][0]["content"]
        self._answer({"id": self.server.add("github-actions[bot]", text)["id"]})

    def do_PATCH(self) -> None:
        content = self._content()
        parts = urlsplit(self.path).path.split("/")
        number = int(parts[-3] if "threads" in parts else parts[-1])
        self.server.comments[number - 1]["text"] = content.get("body", content.get("content"))
        self._answer({})

    def _thread(self, one: dict[str, Any]) -> dict[str, Any]:
        return {"id": one["id"], "isDeleted": False, "comments": [{"content": one["text"]}]}

    def _comment(self, one: dict[str, Any]) -> dict[str, Any]:
        url = f"{self.server.url}/repos/o/r/issues/comments/{one['id']}"
        return {"id": one["id"], "url": url, "user": {"login": one["login"]}, "body": one["text"]}

    def _content(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, content: Any) -> None:
        self.server.calls.append(self.command)
        allowed = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        data = json.dumps(content).encode()
        self.send_response(200 if allowed else 401)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *words: object) -> None:
        """Silent: the tests look at what was asked."""


@contextmanager
def serving() -> Iterator[Forge]:
    """A forge that answers until the end of the block."""
    forge = Forge()
    with listening(forge):
        yield forge
