"""Waits for work of others for a time, and leaves it alone after that. Knows no domain."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from typing import TypeVar

Found = TypeVar("Found")

_LOOK = 0.1  # seconds between two looks whether to stop


class Abandoned(Exception):
    """Nobody waits any more; the text says since when."""


def within(seconds: float, stopping: Callable[[], bool], work: Callable[[], Found]) -> Found:
    """What the work gives, done in a thread of its own. Raises what it raises, or Abandoned.

    Libraries bound the time between two bytes, not the time of an answer. Work that is left alone
    goes on until its connection ends, and holds up neither the run nor the end of the program.
    """
    future: Future[Found] = Future()
    threading.Thread(target=_do, args=(work, future), daemon=True).start()
    end = time.monotonic() + seconds
    while True:
        try:
            return future.result(timeout=_LOOK)
        except NotYet:
            if future.done():
                raise
            if stopping():
                raise Abandoned("when the run was stopped") from None
            if time.monotonic() >= end:
                raise Abandoned(f"within {seconds:g} seconds") from None


def _do(work: Callable[[], Found], future: Future[Found]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001  (handed over to who waits)
        future.set_exception(error)
