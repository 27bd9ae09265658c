"""How long things are kept, as the live tasks say, and what is therefore forgotten now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from reconciler.model.common import duration_seconds
from reconciler.model.task import Retention
from reconciler.store.database import Database
from reconciler.store.retention import (
    EndedRun,
    purge_decisions,
    purge_details,
    purge_logs,
)

DEFAULT_LOGS = timedelta(days=30)
# And that a message came: no forge sends one again so late.
_DECISIONS = timedelta(days=90)
# Moments are stored as text, whose order is that of time only for whole seconds.
_BLUR = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Purged:
    """How much was forgotten."""

    logs: int = 0
    runs: int = 0
    decisions: int = 0

    def __bool__(self) -> bool:
        return any((self.logs, self.runs, self.decisions))

    def facts(self) -> dict[str, str]:
        """The same as words of a log."""
        return {
            "message": "what was old was forgotten",
            "logs": str(self.logs),
            "runs": str(self.runs),
            "decisions": str(self.decisions),
        }


@dataclass(slots=True)
class Purge:
    """The retention of one state: what it has done once it does not do again."""

    database: Database
    logs: Path
    _done: dict[str, datetime] = field(default_factory=dict, init=False)

    def purge(self, kept: Mapping[str, Retention], now: datetime) -> Purged:
        """Forget what is old by the retention of live tasks, by address.

        Logs of a task that is gone are kept: nobody says any more whether they may go. Raises
        StateUnusable: what was not forgotten is forgotten the next time.
        """
        return Purged(
            logs=purge_logs(self.database, self.logs, lambda run: _log_is_old(run, kept, now)),
            runs=sum(self._details(task, retention, now) for task, retention in kept.items()),
            decisions=purge_decisions(self.database, now - _DECISIONS),
        )

    def _details(self, task: str, retention: Retention, now: datetime) -> int:
        if retention.runs is None:
            return 0
        before = now - timedelta(seconds=duration_seconds(retention.runs))
        done = self._done.get(task)
        if done is not None and done >= before:
            return 0
        count = purge_details(self.database, task, done and done - _BLUR, before)
        self._done[task] = before
        return count


def _log_is_old(run: EndedRun, kept: Mapping[str, Retention], now: datetime) -> bool:
    retention = Retention() if run.task is None else kept.get(run.task)
    if retention is None or retention.archive:
        return False
    logs = retention.logs
    limit = DEFAULT_LOGS if logs is None else timedelta(seconds=duration_seconds(logs))
    return run.queued < now - limit
