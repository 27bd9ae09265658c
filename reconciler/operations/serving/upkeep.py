"""What a daemon does beside its work: stores what hooks refused, forgets what is old."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reconciler.base.clock import steady
from reconciler.base.errors import ReconcilerError
from reconciler.engine.clock_watch import ClockWatch
from reconciler.model.task import Retention
from reconciler.operations.serving.refusals import Refusals
from reconciler.operations.serving.retention import Purge, Purged
from reconciler.operations.workspace import OpenWorkspace
from reconciler.store.newest_moment import save_newest_moment

_SECONDS = 1.0
_PURGE_EVERY, _MOMENT_EVERY = 6 * 3600.0, 60.0


@dataclass(slots=True)
class Upkeep:
    """The upkeep of a state. `kept` says what live tasks want kept, by address.

    `watch` says what time it is, and whether that is sure enough to forget what is old.
    `complain` is told what went wrong, which is tried again; `purged` what was forgotten.
    `look` is called each second, `well` if all went through.
    """

    opened: OpenWorkspace
    watch: ClockWatch
    kept: Callable[[], Mapping[str, Retention]]
    complain: Callable[[ReconcilerError], None]
    purged: Callable[[Purged], None] = lambda _purged: None
    look: Callable[[], None] = lambda: None
    well: Callable[[], None] = lambda: None
    refusals: Refusals = field(init=False)
    _purge: Purge = field(init=False)
    _last: float | None = field(default=None, init=False)
    _stored: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.refusals = Refusals(self.opened.database)
        self._purge = Purge(self.opened.database, self.opened.state_folder / "logs")

    def keep_up(self, stopping: threading.Event) -> None:
        """Do what is to be done, again and again; what waits is stored at the end."""
        while not stopping.wait(_SECONDS):
            self.round()
        self._try(self.refusals.store)

    def round(self) -> None:
        """Do once what is to be done now."""
        works = (self.refusals.store, self._remember, self._forget, self.look)
        done = [self._try(work) for work in works]
        if all(done):
            self.well()

    def _remember(self) -> None:
        """Store what time it is, if that is known."""
        reading, now = self.watch.read(), steady()
        if reading.lasting and (self._stored is None or now >= self._stored + _MOMENT_EVERY):
            save_newest_moment(self.opened.database, reading.now)
            self._stored = now

    def _forget(self) -> None:
        """Forget what is old; not by a clock that may be wrong."""
        reading, now = self.watch.read(), steady()
        if not reading.lasting or (self._last is not None and now < self._last + _PURGE_EVERY):
            return
        self._last = now
        purged = self._purge.purge(self.kept(), reading.now)
        if purged:
            self.purged(purged)

    def _try(self, work: Callable[[], None]) -> bool:
        try:
            work()
        except ReconcilerError as error:
            self.complain(error)
            return False
        return True
