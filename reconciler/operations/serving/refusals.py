"""What hooks refuse, on its way into the state: many at once, so that a flood costs few commits."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

from reconciler.base.errors import StateUnusable
from reconciler.model.event import Decided
from reconciler.store.database import Database
from reconciler.store.refusals import KEPT, note_refusals


@dataclass(slots=True)
class Refusals:
    """Refused messages that are not stored yet: of each hook no more than are kept of it.

    They were answered before they are stored: a daemon that is killed forgets the last second of
    them, and nobody was promised anything.
    """

    database: Database
    _waiting: dict[str, deque[Decided]] = field(default_factory=dict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def note(self, refused: Decided) -> None:
        """Take one; its `hook` is one of the workspace."""
        with self._lock:
            waiting = self._waiting.setdefault(str(refused.hook), deque(maxlen=KEPT))
            waiting.append(refused)

    def store(self) -> None:
        """Store what waits. Raises StateUnusable, and then it waits for the next time."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        everyone = [item for items in waiting.values() for item in items]
        if not everyone:
            return
        try:
            note_refusals(self.database, everyone)
        except StateUnusable:
            self._put_back(waiting)
            raise

    def _put_back(self, older: dict[str, deque[Decided]]) -> None:
        with self._lock:
            for hook, items in older.items():
                items.extend(self._waiting.get(hook, ()))
                self._waiting[hook] = items
