"""What this process is told from outside: to stop, at once, or to read its files again."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Signals:
    """What a service is told: to stop, to do it at once (told again), to read files again."""

    stop: threading.Event = field(default_factory=threading.Event)
    hurry: threading.Event = field(default_factory=threading.Event)
    reload: threading.Event = field(default_factory=threading.Event)


@contextlib.contextmanager
def service_signals(*, terminal: bool) -> Iterator[Signals]:
    """Inside the block Ctrl-C and SIGTERM ask a service to stop, and SIGHUP to read files again.

    In a `terminal` SIGHUP says that it was closed, and stops as well.
    """
    told = Signals()

    def stop(*_: object) -> None:
        (told.hurry if told.stop.is_set() else told.stop).set()

    def reload(*_: object) -> None:
        told.reload.set()

    handlers = {signal.SIGINT: stop, signal.SIGTERM: stop}
    handlers[signal.SIGHUP] = stop if terminal else reload
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """Inside the block Ctrl-C, SIGTERM and SIGHUP set the event instead of ending the program."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    before = {number: signal.signal(number, lambda *_: event.set()) for number in _STOP_SIGNALS}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
