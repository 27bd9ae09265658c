"""Calls of the daemon from its routes: in threads, bounded in number, for who can wait a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.responses import JSONResponse, Response

from reconciler.base.errors import ReconcilerError, StateUnusable

# Messages that are judged at the same time; others wait in line, but not longer than a forge does.
_THREADS = 40
_HEADS = 8
_LINE_SECONDS = 3.0
_LATER = {"retry-after": "10"}

Done = TypeVar("Done")


@dataclass(slots=True)
class Calls:
    """`hasty`: what a thread does in it waits for a busy state only shortly."""

    hasty: Callable[[], AbstractContextManager[None]]
    _threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_THREADS))
    # Looks that need no state: they do not stand behind those that wait for it.
    _heads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_HEADS))

    async def answer(self, function: Callable[[], Response]) -> Response:
        """The answer of a function, or the one that says why there is none."""
        try:
            return await self._do(function, self._threads)
        except StateUnusable:
            # Not taken: whoever sent it sends it again.
            return refusal(503, "unavailable", "the state cannot be used now", _LATER)
        except ReconcilerError as error:
            return refusal(503, error.code, error.message, _LATER)

    async def look(self, function: Callable[[], Done]) -> Done:
        """What a function returns that asks no state. Raises ReconcilerError, as it does."""
        return await self._do(function, self._heads)

    async def _do(self, function: Callable[[], Done], limiter: CapacityLimiter) -> Done:
        place = object()
        try:
            async with asyncio.timeout(_LINE_SECONDS):
                await limiter.acquire_on_behalf_of(place)
        except TimeoutError:
            raise StateUnusable("too many messages wait") from None
        try:
            return await run_sync(self._hastily, function, limiter=CapacityLimiter(1))
        finally:
            limiter.release_on_behalf_of(place)

    def _hastily(self, function: Callable[[], Done]) -> Done:
        with self.hasty():
            return function()


def refusal(
    status: int, verdict: str, text: str, headers: Mapping[str, str] | None = None
) -> Response:
    """What the sender of a message is told that is not taken."""
    told = {"verdict": verdict, "message": text, "runs": []}
    return JSONResponse(told, status_code=status, headers=headers)


def cut_off(status: int, verdict: str, text: str) -> Response:
    """As `refusal`, of a body that is not read to its end."""
    later = _LATER if status == 503 else {}
    return refusal(status, verdict, text, {"connection": "close", **later})
