"""The routes of the daemon. Every request is bounded in bytes and in time before it is judged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reconciler.base.errors import ReconcilerError, StateUnusable
from reconciler.operations.serving.dialects import Message
from reconciler.operations.serving.hooks import Answer
from reconciler.server.admin import AdminDoors, admin_routes

# GitHub sends no more than 25 MB.
LARGEST_BODY = 26 * 1024 * 1024
BODY_SECONDS = 10.0
# Messages that are judged at the same time; others wait in line.
_THREADS = 40


Receive = Callable[[str, Message], Answer]


class Doors(AdminDoors, Protocol):
    """What the routes call. Each may raise ReconcilerError."""

    def receive(self, name: str, message: Message) -> Answer:
        """A message to a hook."""

    def notify(self, name: str, message: Message) -> Answer:
        """What a registry tells of its pushes."""

    def ready(self) -> tuple[bool, dict[str, str]]:
        """Whether messages can be taken, and why not."""

    @property
    def broken(self) -> Mapping[str, str]:
        """Parts that broke off, and why."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of one request."""

    body: int = LARGEST_BODY
    seconds: float = BODY_SECONDS


class TooMuch(Exception):
    """A body over the limit, or one that did not come in time; `status` is the answer's."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def make_app(doors: Doors, bounds: Bounds = Bounds()) -> Starlette:
    """The application."""
    limiter = CapacityLimiter(_THREADS)

    async def call(function: Callable[[], Response]) -> Response:
        try:
            return await run_sync(function, limiter=limiter)
        except StateUnusable:
            # Not taken: whoever sent it sends it again.
            return _refusal(503, "unavailable", "the state cannot be used now")
        except ReconcilerError as error:
            return _refusal(503, error.code, error.message)

    async def message(receive: Receive, request: Request) -> Response:
        try:
            found = await read_message(request, bounds)
        except TooMuch as error:
            return _refusal(error.status, "refused", str(error))
        except ClientDisconnect:
            return Response(status_code=400)
        return await call(partial(_answered, receive, request.path_params["name"], found))

    async def healthz(_request: Request) -> Response:
        broken = dict(doors.broken)
        told = {"status": "broken", "parts": broken} if broken else {"status": "ok"}
        return JSONResponse(told, status_code=503 if broken else 200)

    async def readyz(_request: Request) -> Response:
        return await call(partial(_ready, doors))

    return Starlette(
        routes=[
            Route("/hooks/{name}", partial(message, doors.receive), methods=["POST"]),
            Route("/registry/{name}", partial(message, doors.notify), methods=["POST"]),
            Route("/healthz", healthz, methods=["GET"]),
            Route("/readyz", readyz, methods=["GET"]),
            *admin_routes(doors, call),
        ]
    )


async def read_message(request: Request, bounds: Bounds) -> Message:
    """The headers and the raw body. Raises as `read_body` does."""
    body = await read_body(request, bounds)
    headers: dict[str, list[bytes]] = {}
    for name, value in request.headers.raw:
        headers.setdefault(name.decode("latin-1").lower(), []).append(value)
    return Message(headers, body)


async def read_body(request: Request, bounds: Bounds) -> bytes:
    """The raw body. Raises TooMuch, ClientDisconnect.

    A compressed one is refused: its size is not what it says, and a signature is over what was
    sent.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise TooMuch(415, "a compressed body is not taken")
    told = request.headers.get("content-length")
    if told is not None and told.isascii() and told.isdigit() and int(told) > bounds.body:
        raise TooMuch(413, f"a body has at most {bounds.body:,} bytes")
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(bounds.seconds):
            async for part in request.stream():
                size += len(part)
                if size > bounds.body:
                    raise TooMuch(413, f"a body has at most {bounds.body:,} bytes")
                parts.append(part)
    except TimeoutError:
        raise TooMuch(408, f"the body did not come within {bounds.seconds:.0f} s") from None
    return b"".join(parts)


def _answered(receive: Receive, name: str, message: Message) -> Response:
    answer = receive(name, message)
    told = {"verdict": answer.verdict, "message": answer.text, "runs": list(answer.runs)}
    return JSONResponse(told, status_code=answer.status)


def _ready(doors: Doors) -> Response:
    ready, checks = doors.ready()
    told = {"status": "ok" if ready else "unavailable", "checks": checks}
    return JSONResponse(told, status_code=200 if ready else 503)


def _refusal(status: int, verdict: str, text: str) -> Response:
    headers = {"connection": "close"} if status in {408, 413, 415} else None
    told = {"verdict": verdict, "message": text, "runs": []}
    return JSONResponse(told, status_code=status, headers=headers)
