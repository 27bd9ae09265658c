"""The clock of a daemon, wired to a workspace: follows what is live, and wakes what is due."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from reconciler.base.errors import ReconcilerError
from reconciler.engine.clock_watch import ClockWatch
from reconciler.engine.clockwork import Clockwork
from reconciler.model.event import TimerState
from reconciler.operations.serving.book import EMPTY, Book, read_book
from reconciler.operations.workspace import OpenWorkspace

_BOOK_SECONDS = 2.0


@dataclass(slots=True)
class Timekeeping:
    """The book of a daemon, and its timers if `timers`.

    `late` is told how late each due time was handled, `queued` how many runs that made; `complain`
    what is tried again, and `well` that a round went through. `watch` says whether the clock can be
    believed; `anew` is told of timers that begin anew.
    """

    opened: OpenWorkspace
    timers: bool
    late: Callable[[float], None]
    queued: Callable[[int], None]
    complain: Callable[[ReconcilerError], None]
    well: Callable[[], None]
    watch: ClockWatch
    anew: Callable[[Sequence[TimerState]], None]
    book: Book = field(default=EMPTY, init=False)
    _clockwork: Clockwork = field(init=False)
    _wound: tuple[str, int] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._clockwork = Clockwork(self.opened.database, late=self.late, anew=self.anew)

    def read(self) -> None:
        """Read the book if something has changed. Raises StateUnusable."""
        self.book = read_book(self.opened, self.book)

    def keep(self, stopping: threading.Event) -> None:
        """Follow and wake, until told to stop."""
        while not stopping.is_set():
            self.round(stopping)
            stopping.wait(self._pause())

    def round(self, stopping: threading.Event) -> None:
        """Follow and wake once."""
        reading = self.watch.read()
        try:
            self.read()
            if self.timers and reading.believed:
                if self._wound != (self.book.version, reading.jumps):
                    self._clockwork.wind(self.book.timers, reading.now)
                    self._wound = self.book.version, reading.jumps
                self._tick(stopping)
            self.well()
        except ReconcilerError as error:
            self.complain(error)

    def _tick(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            reading, wake = self.watch.read(), self._clockwork.next_wake
            if not reading.believed or wake is None or wake > reading.now:
                return
            queued = self._clockwork.tick(reading.now)
            if queued:
                self.queued(queued)

    def _pause(self) -> float:
        reading, wake = self.watch.read(), self._clockwork.next_wake
        if wake is None or not reading.believed:
            return _BOOK_SECONDS
        left = (wake - reading.now).total_seconds()
        return min(_BOOK_SECONDS, max(left, 0.01))
