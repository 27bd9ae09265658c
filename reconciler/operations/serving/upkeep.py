"""What a daemon does beside its work: stores what hooks refused. Wakes nothing, does no run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.base.errors import ReconcilerError
from reconciler.operations.serving.refusals import Refusals
from reconciler.operations.workspace import OpenWorkspace

_SECONDS = 1.0


@dataclass(slots=True)
class Upkeep:
    """The upkeep of a state. `complain` is told what went wrong; it is tried again."""

    opened: OpenWorkspace
    complain: Callable[[ReconcilerError], None]
    refusals: Refusals = field(init=False)

    def __post_init__(self) -> None:
        self.refusals = Refusals(self.opened.database)

    def keep_up(self, stopping: threading.Event) -> None:
        """Do what is to be done, again and again, and once more at the end."""
        while not stopping.wait(_SECONDS):
            self._step()
        self._step()

    def _step(self) -> None:
        try:
            self.refusals.store()
        except ReconcilerError as error:
            self.complain(error)
