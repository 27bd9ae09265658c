"""The routes of the administrator: JSON in the shapes of the commands, and a log that follows.

Each needs `Authorization: Bearer TOKEN`. No answer allows another origin to read it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from ipaddress import ip_address
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from reconciler.base.clock import utc_now
from reconciler.base.errors import ReconcilerError, WrongUsage
from reconciler.model.run import RunStatus
from reconciler.operations.running.run_requests import UnknownTask
from reconciler.operations.running.runs import RunFilter, UnknownRun
from reconciler.operations.serving.admin import Access, Admin
from reconciler.operations.serving.meters import CONTENT_TYPE
from reconciler.report.runs import runs_json
from reconciler.report.tasks import tasks_json
from reconciler.server.follow import LogStreams

_MOST = 1000
# A proxy on this machine is no program of this machine that asks.
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
Call = Callable[[Callable[[], Response]], Awaitable[Response]]
Answered = Callable[[Admin, Request], Any]


class AdminDoors(Protocol):
    """What the routes call. Each may raise ReconcilerError."""

    @property
    def admin(self) -> Admin:
        """The administration."""

    def metrics(self) -> bytes:
        """The meters, as Prometheus reads them."""


def admin_routes(doors: AdminDoors, call: Call) -> list[BaseRoute]:
    """The routes. `call` does blocking work in a thread."""
    streams = LogStreams()

    def route(path: str, method: str, answered: Answered, status: int = 200) -> Route:
        async def handle(request: Request) -> Response:
            return await call(partial(_guarded, doors, request, answered, status))

        return Route(path, handle, methods=[method])

    async def metrics(request: Request) -> Response:
        return await call(partial(_metrics, doors, request))

    async def log(request: Request) -> Response:
        denied = await call(partial(_guarded, doors, request, _one_run, 200))
        if denied.status_code != 200:
            return denied
        return streams.answer(doors.admin, request)

    return [
        Route("/metrics", metrics, methods=["GET"]),
        route("/api/runs", "GET", _runs),
        route("/api/runs/{id}", "GET", _one_run),
        route("/api/runs/{id}/cancel", "POST", _cancel, 202),
        Route("/api/runs/{id}/log", log, methods=["GET"]),
        route("/api/tasks", "GET", _tasks),
        route("/api/tasks/{address:path}/run", "POST", _start, 202),
        route("/api/decisions", "GET", _decisions),
    ]


def _guarded(doors: AdminDoors, request: Request, answered: Answered, status: int) -> Response:
    refused = _refused(doors.admin, request)
    if refused is not None:
        return refused
    try:
        return JSONResponse(answered(doors.admin, request), status_code=status)
    except (UnknownRun, UnknownTask) as error:
        return _problem(404, error)
    except _BadQuery as error:
        return _problem(400, error)
    except WrongUsage as error:
        return _problem(409, error)


def _metrics(doors: AdminDoors, request: Request) -> Response:
    refused = None if _is_local(request) else _refused(doors.admin, request)
    return refused or Response(doors.metrics(), media_type=CONTENT_TYPE)


def _is_local(request: Request) -> bool:
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False


_REFUSALS = {
    Access.DENIED: (401, "denied", "a header is needed: Authorization: Bearer TOKEN"),
    Access.OFF: (401, "off", "this daemon has no administrator: `server.admin` names none"),
    Access.UNREADABLE: (503, "secret", "the token of the administrator cannot be used"),
}


def _refused(admin: Admin, request: Request) -> Response | None:
    given = [value for name, value in request.headers.raw if name.lower() == b"authorization"]
    access = admin.access(given)
    if access is Access.GRANTED:
        return None
    status, code, text = _REFUSALS[access]
    headers = {"www-authenticate": "Bearer"} if status == 401 else None
    return JSONResponse({"error": code, "message": text}, status_code=status, headers=headers)


def _problem(status: int, error: ReconcilerError) -> Response:
    told = {"error": error.code, "message": error.message}
    return JSONResponse(told | ({"hint": error.hint} if error.hint else {}), status_code=status)


class _BadQuery(ReconcilerError):
    """A value in the address is none."""

    code = "bad-query"


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", "20")
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= _MOST):
        raise _BadQuery(f"limit is a number from 1 to {_MOST:,}")
    return int(text)


def _status(request: Request) -> RunStatus | None:
    text = request.query_params.get("status")
    try:
        return None if text is None else RunStatus(text)
    except ValueError:
        words = ", ".join(status.value for status in RunStatus)
        raise _BadQuery(f"status is one of {words}") from None


# ------------------------------------------------------------------- answers
def _runs(admin: Admin, request: Request) -> Any:
    task, limit = request.query_params.get("task"), _limit(request)
    found = admin.runs(RunFilter(task=task, status=_status(request), limit=limit))
    return runs_json(found, admin.unserved(found))


def _one_run(admin: Admin, request: Request) -> Any:
    return runs_json([admin.run(request.path_params["id"])])["runs"][0]


def _cancel(admin: Admin, request: Request) -> Any:
    return runs_json([admin.cancel(request.path_params["id"])])["runs"][0]


def _start(admin: Admin, request: Request) -> Any:
    return runs_json([admin.start(request.path_params["address"])])["runs"][0]


def _tasks(admin: Admin, _request: Request) -> Any:
    return tasks_json(admin.tasks(), utc_now())


def _decisions(admin: Admin, request: Request) -> Any:
    found = admin.decisions(request.query_params.get("task"), _limit(request))
    return {"decisions": [item.model_dump(mode="json", by_alias=True) for item in found]}
