"""The clock of a daemon, wired to a workspace: follows what is live, and wakes what is due."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.base.errors import ReconcilerError
from reconciler.engine.clockwork import Clockwork
from reconciler.operations.serving.book import EMPTY, Book, read_book
from reconciler.operations.workspace import OpenWorkspace

_BOOK_SECONDS = 2.0


@dataclass(slots=True)
class Timekeeping:
    """The book of a daemon, and its timers if `timers`.

    `late` is told how late each due time was handled, `queued` how many runs that made; `complain`
    what is tried again, and `well` that a round went through.
    """

    opened: OpenWorkspace
    timers: bool
    late: Callable[[float], None]
    queued: Callable[[int], None]
    complain: Callable[[ReconcilerError], None]
    well: Callable[[], None]
    book: Book = field(default=EMPTY, init=False)

    def read(self) -> None:
        """Read the book if something has changed. Raises StateUnusable."""
        self.book = read_book(self.opened, self.book)

    def keep(self, stopping: threading.Event) -> None:
        """Follow and wake, until told to stop."""
        clockwork, wound = Clockwork(self.opened.database, late=self.late), ""
        while not stopping.is_set():
            try:
                self.read()
                if self.timers:
                    if wound != self.book.version:
                        clockwork.wind(self.book.timers, self.opened.clock())
                        wound = self.book.version
                    self._tick(clockwork, stopping)
                self.well()
            except ReconcilerError as error:
                self.complain(error)
            stopping.wait(self._pause(clockwork))

    def _tick(self, clockwork: Clockwork, stopping: threading.Event) -> None:
        while not stopping.is_set():
            now, wake = self.opened.clock(), clockwork.next_wake
            if wake is None or wake > now:
                return
            queued = clockwork.tick(now)
            if queued:
                self.queued(queued)

    def _pause(self, clockwork: Clockwork) -> float:
        wake = clockwork.next_wake
        if wake is None:
            return _BOOK_SECONDS
        left = (wake - self.opened.clock()).total_seconds()
        return min(_BOOK_SECONDS, max(left, 0.01))
