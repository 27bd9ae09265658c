"""What an administrator asks of a running daemon, and who is one. Prints nothing, knows no HTTP."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from reconciler.base.errors import SecretUnavailable, WrongUsage
from reconciler.engine.triggers import pool_of
from reconciler.engine.waking import new_run_id, run_of, series_of
from reconciler.model.common import SecretReference
from reconciler.model.event import Decided, Wake
from reconciler.model.lease import Waiting
from reconciler.model.run import RunRecord, TriggerKind
from reconciler.operations.running.run_place import RunPlace, place_of
from reconciler.operations.running.run_requests import find_task
from reconciler.operations.running.runs import RunFilter, cancel_run, get_run, list_runs
from reconciler.operations.running.unserved import Unserved, unserved_of
from reconciler.operations.showing.tasks import LiveRow, live_tasks
from reconciler.operations.workspace import OpenWorkspace
from reconciler.store.decisions import list_decisions
from reconciler.store.logs import LogPart, log_path, read_part
from reconciler.store.queue import enqueue

ACTOR = "admin-api"
# A token that can be guessed is none.
SHORTEST_TOKEN = 16


class Access(Enum):
    """Whether a request is an administrator's."""

    GRANTED = "granted"
    DENIED = "denied"
    OFF = "off"  # the workspace has no administrator
    UNREADABLE = "unreadable"  # the token cannot be read here, or is too short


@dataclass(frozen=True, slots=True)
class Admin:
    """The administration of a workspace. `read_secret` resolves references.

    Every call may raise StateUnusable; those that name a run UnknownRun, a task UnknownTask.
    """

    opened: OpenWorkspace
    token: SecretReference | None
    read_secret: Callable[[str], str]

    def access(self, given: Sequence[bytes]) -> Access:
        """Judge the values of the header Authorization: one, `Bearer TOKEN`."""
        if self.token is None:
            return Access.OFF
        try:
            token = self.read_secret(self.token.reference).strip()
        except SecretUnavailable:
            return Access.UNREADABLE
        if len(token) < SHORTEST_TOKEN:
            return Access.UNREADABLE
        scheme, _, rest = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
        wanted = token.encode("utf-8", "surrogateescape")
        # Compared in any case, and in a time that tells nothing.
        same = hmac.compare_digest(rest.strip(), wanted)
        return Access.GRANTED if same and scheme.lower() == b"bearer" else Access.DENIED

    # ------------------------------------------------------------------ reading
    def runs(self, wanted: RunFilter) -> list[RunRecord]:
        """Runs, newest first."""
        return list_runs(self._place(), wanted)

    def unserved(self, records: Sequence[RunRecord]) -> list[Unserved]:
        """Pools that some of these runs wait for and that nobody serves."""
        return unserved_of(self._place(), records)

    def run(self, run_id: str) -> RunRecord:
        """One run."""
        return get_run(self._place(), run_id)

    def tasks(self) -> list[LiveRow]:
        """Every live task."""
        return live_tasks(self.opened, self.opened.clock())

    def decisions(self, task: str | None, limit: int) -> list[Decided]:
        """What was decided about events, newest first."""
        return list_decisions(self.opened.database, task=task, limit=limit)

    def log(self, run_id: str, position: int) -> tuple[LogPart, RunRecord]:
        """Lines of a log from a position on, and the run as it was before they were read."""
        place = self._place()
        record = get_run(place, run_id)
        return read_part(log_path(place.logs, record.id), position), record

    # ------------------------------------------------------------------- acting
    def cancel(self, run_id: str) -> RunRecord:
        """Ask a run to stop, and wait a little for it. Raises WrongUsage if it has ended."""
        return cancel_run(self._place(), run_id)

    def start(self, name: str) -> RunRecord:
        """Queue a run of a task. Raises WrongUsage if it is Disabled."""
        task = find_task(name, self.opened.provider)
        if task.spec.status != "Enabled":
            raise WrongUsage(f"the task {task.address} is Disabled")
        wake = Wake(task=task.address, kind=TriggerKind.MANUAL, trigger="api", actor=ACTOR)
        record = run_of(wake, new_run_id(), self.opened.clock())
        series = series_of(task.address)
        waiting = Waiting(record, pool_of(task), record.trigger.priority, series=series)
        with self.opened.database.write() as connection:
            enqueue(connection, waiting)
        return record

    def _place(self) -> RunPlace:
        return place_of(self.opened)
