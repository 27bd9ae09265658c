"""Events that come at the same time share a commit: a disk does few of those a second."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from reconciler.base.errors import ReconcilerError, StateUnusable
from reconciler.engine.intake import Arrival, Taken

_MOST = 64  # events of one commit
# While events come together, a commit waits so long after the one before: more will share it.
_APART = 0.01
_LINE_SECONDS = 2.5  # nobody waits longer before their commit begins
_Item = tuple[Arrival, "Future[Taken]"]


class IntakeClosed(ReconcilerError):
    """The daemon is going away; the message may be sent again."""

    code = "intake-closed"


@dataclass(slots=True)
class _Stop:
    """The end of the line."""


class BatchedIntake:
    """Takes events one after the other in a thread of its own, as many at once as have come."""

    def __init__(
        self,
        take_all: Callable[[Sequence[Arrival]], list[Taken | ReconcilerError]],
        hasty: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """`hasty`: in it this thread does not wait for long for a state that is busy."""
        self._take_all, self._hasty = take_all, hasty
        self._line: queue.SimpleQueue[_Item | _Stop] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="intake", daemon=True)
        self._thread.start()

    def take(self, arrival: Arrival) -> Taken:
        """What an event came to, once that is committed. Raises ReconcilerError: it was not.

        Whoever has waited too long for their turn is told so: they have no patience for the commit.
        """
        if self._closed.is_set():
            raise IntakeClosed("the daemon is stopping")
        future: Future[Taken] = Future()
        self._line.put((arrival, future))
        try:
            return future.result(_LINE_SECONDS)
        except TimeoutError:
            if future.cancel():
                raise StateUnusable("the state database is busy") from None
            return future.result()  # its commit has begun

    def close(self) -> None:
        """Take what has come, and nothing after it."""
        self._closed.set()
        self._line.put(_Stop())
        self._thread.join()

    def _work(self) -> None:
        going, pause_until = True, 0.0
        with self._hasty():
            while going:
                batch, going = self._next(pause_until)
                self._do([item for item in batch if item[1].set_running_or_notify_cancel()])
                pause_until = time.monotonic() + _APART if len(batch) > 1 else 0.0

    def _next(self, pause_until: float) -> tuple[list[_Item], bool]:
        found: list[_Item] = []
        wait = True
        while len(found) < _MOST:
            try:
                item = self._line.get(block=wait)
            except queue.Empty:
                break
            if isinstance(item, _Stop):
                return found, False
            found.append(item)
            if wait:
                time.sleep(max(pause_until - time.monotonic(), 0.0))
            wait = False
        return found, True

    def _do(self, batch: list[_Item]) -> None:
        if not batch:
            return
        try:
            results = self._take_all([arrival for arrival, _ in batch])
            for (_, future), result in zip(batch, results, strict=True):
                if isinstance(result, ReconcilerError):
                    future.set_exception(result)
                else:
                    future.set_result(result)
        except BaseException as error:  # noqa: BLE001  (each sender hears of it)
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
