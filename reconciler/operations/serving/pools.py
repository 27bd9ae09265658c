"""The pools of a daemon: what waits in the wrong one, and which of them nobody serves."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.base.clock import to_iso
from reconciler.base.text import plural
from reconciler.operations.running.unserved import is_served
from reconciler.operations.serving.health import Tell
from reconciler.operations.workspace import OpenWorkspace
from reconciler.store.pools import note_served, served_at
from reconciler.store.queue import depths, move_waiting

_LOOK_SECONDS = 10.0


@dataclass(slots=True)
class Pools:
    """A look at all pools. `tasks` says in which one the runs of each live task wait."""

    opened: OpenWorkspace
    tasks: Callable[[], Mapping[str, str]]
    tell: Tell
    _told: set[str] = field(default_factory=set, init=False)
    _next: float = field(default=0.0, init=False)
    _followed: Mapping[str, str] | None = field(default=None, init=False)

    def look(self) -> None:
        """Move what waits in a pool that its task has left, and tell of those that nobody serves.

        Raises StateUnusable.
        """
        self._follow(self.tasks())
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _LOOK_SECONDS
        waiting = {name: depth.waiting for name, depth in depths(self.opened.database).items()}
        with self.opened.database.read() as connection:
            served = served_at(connection)
        tasks, now = Counter(self.tasks().values()), self.opened.clock()
        unserved = {name for name in {*waiting, *tasks} if not is_served(name, served, now)}
        for name in sorted(unserved - self._told):
            since = f"since {to_iso(served[name])}" if name in served else "so far"
            what = plural(tasks[name], "task"), plural(waiting.get(name, 0), "waiting run")
            text = f"no worker has served the pool {name} {since}: {' and '.join(what)}"
            self.tell("pools", {"pool": name, "message": text})
        for name in sorted(self._told - unserved):
            again = is_served(name, served, now)
            text = f"the pool {name} is " + ("served again" if again else "not needed any more")
            self.tell("pools", {"pool": name, "message": text})
        self._told = unserved

    def _follow(self, tasks: Mapping[str, str]) -> None:
        """An apply gave a task another pool: its runs that wait go there, too."""
        if tasks is self._followed:
            return
        for task, before, after in move_waiting(self.opened.database, tasks):
            text = f"waiting runs of {task} have moved from the pool {before} to {after}"
            self.tell("pools", {"task": task, "pool": after, "message": text})
        self._followed = tasks


def serve_pools(opened: OpenWorkspace, names: Iterable[str]) -> None:
    """A worker is there for some pools. Raises StateUnusable."""
    with opened.database.write() as connection:
        note_served(connection, names, opened.clock())
