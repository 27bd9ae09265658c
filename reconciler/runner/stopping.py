"""When a run has to stop: Ctrl-C, a request from elsewhere, out of time. Ends nothing itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from reconciler.model.run import Reason
from reconciler.runner.failure import Stop
from reconciler.runner.ports import Ports

_ASK_SECONDS = 0.5


class Watch(Protocol):
    """Says whether something has to stop; it stays true."""

    def __call__(self) -> bool:
        """True once it has to stop."""

    def check(self) -> None:
        """Raise the Stop if it has to stop."""


class StopWatch:
    """Callable many times a second: the request from elsewhere is looked up every half second."""

    def __init__(self, ports: Ports, timeout: int) -> None:
        self._ports = ports
        self._timeout = timeout
        self._deadline = ports.monotonic() + timeout
        self._next_question = ports.monotonic()
        self._stop: Stop | None = None

    def __call__(self) -> bool:
        """True once the run has to stop; it stays true."""
        self._stop = self._stop or self._reason()
        return self._stop is not None

    def check(self) -> None:
        """Raise the Stop if the run has to stop."""
        if self() and self._stop is not None:
            raise self._stop

    def _reason(self) -> Stop | None:
        now = self._ports.monotonic()
        if self._ports.interrupted():
            return Stop(Reason.CANCELED, "interrupted")
        if now >= self._deadline:
            return Stop(Reason.TIMEOUT, f"stopped after its timeout of {self._timeout} s")
        if now >= self._next_question:
            self._next_question = now + _ASK_SECONDS
            actor = self._ports.canceled()
            return Stop(Reason.CANCELED, f"canceled by {actor}") if actor else None
        return None


class StepWatch:
    """When one step has to stop: its own time is over, or the whole run halts.

    The time of a step, all its attempts together, counts from `begin`.
    """

    def __init__(self, halt: threading.Event, monotonic: Callable[[], float], timeout: int) -> None:
        self._halt = halt
        self._monotonic = monotonic
        self._timeout = timeout
        self._deadline: float | None = None

    def begin(self) -> None:
        """From now on the time counts."""
        self._deadline = self._monotonic() + self._timeout

    @property
    def timed_out(self) -> bool:
        """True if the step's own time is over."""
        return self._deadline is not None and self._monotonic() >= self._deadline

    def __call__(self) -> bool:
        """True once the step has to stop."""
        return self._halt.is_set() or self.timed_out

    def check(self) -> None:
        """Raise the Stop if the step has to stop."""
        if self._halt.is_set():
            raise Stop(Reason.CANCELED, "stopped with its run")
        if self.timed_out:
            raise Stop(Reason.TIMEOUT, f"timed out after {self._timeout} s")

    def pause(self, seconds: float) -> None:
        """Wait, unless the step has to stop: then raise the Stop at once."""
        left = seconds
        if self._deadline is not None:
            left = min(seconds, max(self._deadline - self._monotonic(), 0))
        self._halt.wait(left)
        self.check()
