"""Long answers of the container engine, record by record, that can be broken off at any time."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

from docker import APIClient
from docker.errors import APIError
from docker.types import CancellableStream

from reconciler.adapters.docker.connection import LOST
from reconciler.adapters.docker.engine import Engine, engine_unavailable, explanation
from reconciler.base.errors import EngineUnavailable

Record = dict[str, Any]
_POLL_SECONDS = 0.1
_END = object()


class Stopped(Exception):
    """We were asked to stop, and broke off."""


class EngineRefused(Exception):
    """The engine answered with an error before the stream began; the text is its own."""


def follow(
    engine: Engine, call: Callable[[APIClient], Iterator[Record]], stopping: Callable[[], bool]
) -> Iterator[Record]:
    """The records of a streaming call.

    The engine ends its work when the connection is cut, so a thread reads and this one watches
    `stopping`. Raises Stopped, EngineRefused or EngineUnavailable.
    """
    talk = _Talk(engine, call)
    try:
        while True:
            if stopping():
                raise Stopped
            item = talk.next()
            if item is _END:
                return
            if isinstance(item, BaseException):
                raise _translated(engine, item)
            if item is not None:
                yield item
    finally:
        talk.hang_up()


class _Talk:
    """One streaming request, read by a thread of its own."""

    def __init__(self, engine: Engine, call: Callable[[APIClient], Iterator[Record]]) -> None:
        self._client = engine.client(timeout=None)
        self._call = call
        self._responses: list[Any] = []
        self._over = threading.Event()
        # A record has up to 32 kB of output: what waits here stays within 2 MB.
        self._items: queue.Queue[Any] = queue.Queue(maxsize=64)
        # docker-py does not show the response that it streams from; requests does, by a hook.
        self._client.hooks["response"].append(self._remember)
        threading.Thread(target=self._read, daemon=True).start()

    def next(self) -> Any:
        """A record, an exception, the end mark, or None if there is nothing yet."""
        try:
            return self._items.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            return None

    def hang_up(self) -> None:
        """Cut the connection; the engine then gives up what it was doing for us."""
        self._over.set()
        for response in self._responses:
            _cut(response)

    def _remember(self, response: Any, *_: Any, **__: Any) -> None:
        self._responses.append(response)
        if self._over.is_set():
            _cut(response)

    def _read(self) -> None:
        try:
            for record in self._call(self._client):
                self._put(record)
            self._put(_END)
        except BaseException as error:  # noqa: BLE001  (handed to the thread that waits)
            self._put(error)
        finally:
            self._client.close()

    def _put(self, item: Any) -> None:
        while not self._over.is_set():
            with contextlib.suppress(queue.Full):
                self._items.put(item, timeout=_POLL_SECONDS)
                return


def _cut(response: Any) -> None:
    # Whatever is left of the connection: it may be closed already, or be one that cannot be cut.
    with contextlib.suppress(Exception):
        CancellableStream(iter(()), response).close()
    # What it leaves open is a second hold on the socket.
    with contextlib.suppress(Exception):
        response.close()


def _translated(engine: Engine, error: BaseException) -> Exception:
    if isinstance(error, EngineUnavailable):
        return error
    if isinstance(error, APIError):
        return EngineRefused(explanation(error))
    # Other OSErrors are about files of the context that cannot be read.
    if isinstance(error, LOST):
        return engine_unavailable(engine.address, error)
    return EngineRefused(f"{type(error).__name__}: {error}")
