"""The routes of the daemon. Every request is bounded in bytes and in time before it is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Protocol

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reconciler.base.errors import ReconcilerError
from reconciler.operations.serving.dialects import Message
from reconciler.operations.serving.hooks import Answer
from reconciler.server.admin import AdminDoors, admin_routes
from reconciler.server.bodies import Bodies, Bounds, TooMuch, check_head, headers_of, read_body
from reconciler.server.calls import Calls, cut_off

_BOUNDS = Bounds()

Receive = Callable[[str, Message], Answer]
LookAt = Callable[[str, Message], Answer | None]


class Doors(AdminDoors, Protocol):
    """What the routes call. Each may raise ReconcilerError."""

    def look(self, name: str, message: Message) -> Answer | None:
        """What a message to a hook is refused for by its head alone, if it is. It has no body."""

    def receive(self, name: str, message: Message) -> Answer:
        """A message to a hook."""

    def look_at_notice(self, name: str, message: Message) -> Answer | None:
        """As `look`, of what a registry tells."""

    def notify(self, name: str, message: Message) -> Answer:
        """What a registry tells of its pushes."""

    def hasty(self) -> AbstractContextManager[None]:
        """What this thread does in the block waits for a busy state only shortly."""

    def ready(self) -> tuple[bool, dict[str, str]]:
        """Whether messages can be taken, and why not."""

    @property
    def broken(self) -> Mapping[str, str]:
        """Parts that broke off, and why."""


def make_app(doors: Doors, bounds: Bounds = _BOUNDS) -> Starlette:
    """The application."""
    calls, bodies = Calls(doors.hasty), Bodies(bounds.all_bodies)

    async def message(look: LookAt, receive: Receive, request: Request) -> Response:
        name, headers = request.path_params["name"], headers_of(request)
        try:
            check_head(request, bounds)
            refused = await calls.look(partial(look, name, Message(headers, b"")))
            if refused is not None:
                return _told(refused)
            with bodies.share() as share:
                found = Message(headers, await read_body(request, bounds, share))
                return await calls.answer(partial(_answered, receive, name, found))
        except TooMuch as error:
            return cut_off(error.status, error.verdict, str(error))
        except ReconcilerError as error:
            return cut_off(503, "unavailable", error.message)
        except ClientDisconnect:
            return Response(status_code=400)

    async def healthz(_request: Request) -> Response:
        broken = dict(doors.broken)
        told = {"status": "broken", "parts": broken} if broken else {"status": "ok"}
        return JSONResponse(told, status_code=503 if broken else 200)

    async def readyz(_request: Request) -> Response:
        return await calls.answer(partial(_ready, doors))

    hook = partial(message, doors.look, doors.receive)
    registry = partial(message, doors.look_at_notice, doors.notify)
    return Starlette(
        routes=[
            Route("/hooks/{name}", hook, methods=["POST"]),
            Route("/registry/{name}", registry, methods=["POST"]),
            Route("/healthz", healthz, methods=["GET"]),
            Route("/readyz", readyz, methods=["GET"]),
            *admin_routes(doors, calls.answer),
        ]
    )


def _answered(receive: Receive, name: str, message: Message) -> Response:
    return _told(receive(name, message))


def _told(answer: Answer) -> Response:
    told = {"verdict": answer.verdict, "message": answer.text, "runs": list(answer.runs)}
    return JSONResponse(told, status_code=answer.status)


def _ready(doors: Doors) -> Response:
    ready, checks = doors.ready()
    told = {"status": "ok" if ready else "unavailable", "checks": checks}
    return JSONResponse(told, status_code=200 if ready else 503)
