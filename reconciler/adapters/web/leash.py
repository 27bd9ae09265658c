"""Cuts the connections of a client when a run stops, or when its time is over. Sends nothing.

A client that waits for a server sees neither: the connection is shut down under it, from a thread.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Self

from reconciler.adapters.fetch_fault import FetchError, FetchFault

_LOOK_SECONDS = 0.1


class Leash:
    """Holds the connections of one client; `trace` is given to httpx as its extension."""

    def __init__(
        self, stopping: Callable[[], bool], seconds: float, since: float | None = None
    ) -> None:
        """`since` (of the monotonic clock) is when the seconds began, by default now."""
        begun = time.monotonic() if since is None else since
        self._stopping, self._end, self._seconds = stopping, begun + seconds, seconds
        self._head: tuple[float, float] | None = None  # until when, of how many seconds
        self._held: list[socket.socket] = []
        self._lock, self._over = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        with self._lock:
            for held in self._held:
                held.close()

    def check(self) -> None:
        """Raises FetchError if the run stops, or the time is over."""
        if self._stopping():
            raise FetchError(FetchFault.STOPPED, "stopped")
        if time.monotonic() > self._end:
            message = f"the download took longer than {self._seconds:,.0f} s"
            raise FetchError(FetchFault.REFUSED, message)
        head = self._head
        if head is not None and time.monotonic() > head[0]:
            message = f"the server took longer than {head[1]:,.0f} s to begin its answer"
            raise FetchError(FetchFault.BROKEN, message)

    @contextlib.contextmanager
    def head(self, seconds: float) -> Iterator[None]:
        """A time for the head of one answer: it may come in bytes that are never too slow.

        Raises as `check` does.
        """
        self._head = (time.monotonic() + seconds, seconds)
        try:
            yield
        except Exception:
            self.check()  # the connection was cut: this says why
            raise
        finally:
            self._head = None

    def wait(self, seconds: float) -> None:
        """Waits, but not beyond the end. Raises as `check` does."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.check()
            time.sleep(_LOOK_SECONDS)

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Takes hold of each connection as it is made."""
        if event != "connection.connect_tcp.complete":
            return
        made = info["return_value"].get_extra_info("socket")
        # A handle of our own: that of the client is another one after the TLS handshake.
        with self._lock:
            self._held.append(socket.socket(fileno=os.dup(made.fileno())))

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            try:
                self.check()
            except FetchError:
                self._cut()

    def _cut(self) -> None:
        with self._lock:
            for held in self._held:
                with contextlib.suppress(OSError):
                    held.shutdown(socket.SHUT_RDWR)
