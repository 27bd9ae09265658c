"""What a daemon does beside its work: stores what hooks refused, forgets what is old."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.base.errors import ReconcilerError
from reconciler.model.task import Retention
from reconciler.operations.serving.refusals import Refusals
from reconciler.operations.serving.retention import Purge, Purged
from reconciler.operations.workspace import OpenWorkspace

_SECONDS = 1.0
_PURGE_EVERY = timedelta(hours=6)


@dataclass(slots=True)
class Upkeep:
    """The upkeep of a state. `kept` says what live tasks want kept, by address.

    `complain` is told what went wrong, which is tried again; `purged` what was forgotten.
    `look` is called each second, `well` if all went through.
    """

    opened: OpenWorkspace
    kept: Callable[[], Mapping[str, Retention]]
    complain: Callable[[ReconcilerError], None]
    purged: Callable[[Purged], None] = lambda _purged: None
    look: Callable[[], None] = lambda: None
    well: Callable[[], None] = lambda: None
    refusals: Refusals = field(init=False)
    _purge: Purge = field(init=False)
    _last: datetime | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.refusals = Refusals(self.opened.database)
        self._purge = Purge(self.opened.database, self.opened.state_folder / "logs")

    def keep_up(self, stopping: threading.Event) -> None:
        """Do what is to be done, again and again; what waits is stored at the end."""
        while not stopping.wait(_SECONDS):
            done = [self._try(work) for work in (self.refusals.store, self._forget, self.look)]
            if all(done):
                self.well()
        self._try(self.refusals.store)

    def _forget(self) -> None:
        now = self.opened.clock()
        if self._last is not None and self._last <= now < self._last + _PURGE_EVERY:
            return
        self._last = now
        purged = self._purge.purge(self.kept(), now)
        if purged:
            self.purged(purged)

    def _try(self, work: Callable[[], None]) -> bool:
        try:
            work()
        except ReconcilerError as error:
            self.complain(error)
            return False
        return True
