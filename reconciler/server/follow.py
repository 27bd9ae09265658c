"""A log that follows, as Server-Sent Events: bounded in number and in time, gone on with anywhere.

The id of an event is a position in the log: a client that was cut off sends it back as
`Last-Event-ID` and misses nothing. Nothing is read ahead of a client that reads slowly.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from reconciler.base.errors import ReconcilerError
from reconciler.model.run import RunRecord
from reconciler.operations.serving.admin import Admin
from reconciler.store.logs import LogPart, to_json

MOST_STREAMS = 32
_LONGEST_SECONDS = 3600.0
_LOOK_SECONDS = 0.3
# Proxies hang up on what is silent for long.
_SILENT_SECONDS = 15.0
_THREADS = 4


Look = Callable[[int], tuple[LogPart, RunRecord]]


class LogStreams:
    """All logs that are followed now."""

    def __init__(self) -> None:
        self._open = 0
        self._limiter = CapacityLimiter(_THREADS)

    def answer(self, admin: Admin, request: Request) -> Response:
        """The answer to who may follow the log of a run that is there.

        It ends when the state of the application says `closing`.
        """
        position = request.headers.get("last-event-id", "0")
        if not (position.isascii() and position.isdigit() and len(position) <= 18):
            told = {"error": "bad-query", "message": "Last-Event-ID is none of ours"}
            return JSONResponse(told, status_code=400)
        if self._open >= MOST_STREAMS:
            told = {"error": "busy", "message": f"{MOST_STREAMS} logs are followed already"}
            return JSONResponse(told, status_code=503, headers={"retry-after": "10"})
        look = partial(admin.log, request.path_params["id"])
        state = request.app.state
        events = self._events(look, int(position), lambda: getattr(state, "closing", False))
        quiet = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(
            self._counted(events), media_type="text/event-stream", headers=quiet
        )

    async def _counted(self, events: AsyncIterator[str]) -> AsyncIterator[str]:
        self._open += 1
        try:
            async for event in events:
                yield event
        finally:
            self._open -= 1

    async def _events(
        self, look: Look, position: int, closing: Callable[[], bool]
    ) -> AsyncIterator[str]:
        told = time.monotonic()
        end = told + _LONGEST_SECONDS
        while time.monotonic() < end and not closing():
            try:
                part, record = await run_sync(look, position, limiter=self._limiter)
            except ReconcilerError:
                break  # the client comes again
            for at, line in part.lines:
                yield _event("line", to_json(line), at)
            position = part.position
            if part.lines:
                told = time.monotonic()
            elif record.status.final and part.at_end:
                yield _event("end", {"id": record.id, "status": record.status.value}, position)
                return
            elif part.at_end:
                if time.monotonic() - told > _SILENT_SECONDS:
                    told = time.monotonic()
                    yield ": still there\n\n"
                await asyncio.sleep(_LOOK_SECONDS)


def _event(name: str, data: Mapping[str, object], position: int) -> str:
    return f"id: {position}\nevent: {name}\ndata: {json.dumps(data)}\n\n"
