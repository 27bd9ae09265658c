"""The table of runs: one row per run, written at every change of state. Judges nothing.

A row that has a final status is never changed again.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from reconciler.base.clock import to_iso
from reconciler.model.run import Reason, RunRecord, RunStatus, StepRecord, StepStatus
from reconciler.store.database import Database
from reconciler.store.schema import runs

_FINAL = tuple(status.value for status in RunStatus if status.final)
_OPEN = tuple(status.value for status in RunStatus if not status.final)
# Made once: to put a statement together costs more than to execute it.
_SAVE = (
    sa.update(runs)
    .where(runs.c.id == sa.bindparam("of_id"), runs.c.status.not_in(_FINAL))
    .values(status=sa.bindparam("status"), record=sa.bindparam("record"))
)


def insert_run(
    database: Database, record: RunRecord, *, host: str, pid: int, process_started: str
) -> None:
    """Add a run and the process that does it."""
    values = {
        "id": record.id,
        "task": record.task,
        "queued": to_iso(record.queued),
        "host": host,
        "pid": pid,
        "process_started": process_started,
        **_changing(record),
    }
    with database.write() as connection:
        connection.execute(sa.insert(runs).values(**values))


def update_run(
    database: Database,
    record: RunRecord,
    beside: Callable[[Connection, RunRecord], None] = lambda _connection, _record: None,
) -> bool:
    """Save a new state. False, and nothing written, if the stored one was already final.

    `beside` writes more in the same commit.
    """
    with database.write() as connection:
        saved = save_changes(connection, record)
        if saved:
            beside(connection, record)
        return saved


def save_changes(connection: Connection, record: RunRecord) -> bool:
    """As `update_run`, in the caller's transaction."""
    return connection.execute(_SAVE, {"of_id": record.id, **_changing(record)}).rowcount == 1


def hand_over(
    database: Database, run_id: str, *, host: str, pid: int, process_started: str
) -> None:
    """Note that another process does a run that has not ended."""
    change = (
        sa.update(runs)
        .where(runs.c.id == run_id, runs.c.status.in_(_OPEN))
        .values(host=host, pid=pid, process_started=process_started)
    )
    with database.write() as connection:
        connection.execute(change)


def claim_run(
    database: Database, run_id: str, *, host: str, pid: int, process_started: str
) -> bool:
    """Take a queued run for a process. False if it is not queued, or another one was quicker."""
    change = (
        sa.update(runs)
        .where(runs.c.id == run_id, runs.c.status == RunStatus.QUEUED.value)
        .values(status=RunStatus.RUNNING.value, host=host, pid=pid, process_started=process_started)
    )
    with database.write() as connection:
        return connection.execute(change).rowcount == 1


def _changing(record: RunRecord) -> dict[str, Any]:
    return {"status": record.status.value, "record": record.model_dump_json(by_alias=True)}


def find_runs(database: Database, prefix: str, limit: int = 5) -> list[RunRecord]:
    """Runs whose id begins with a text; one that is exactly it comes alone."""
    begins = sa.func.substr(runs.c.id, 1, len(prefix)) == prefix
    query = sa.select(runs.c.record).where(begins).order_by(runs.c.id).limit(limit)
    with database.read() as connection:
        found = _records(connection.execute(query))
    exact = [record for record in found if record.id == prefix]
    return exact or found


def list_runs(
    database: Database,
    *,
    task: str | None = None,
    status: RunStatus | None = None,
    limit: int = 20,
    chosen: Callable[[RunRecord], bool] | None = None,
) -> list[RunRecord]:
    """Runs, newest first, of one task (address or name) or in one state if asked.

    `chosen` looks at whole records, one after the other, until `limit` are found.
    """
    query = sa.select(runs.c.record).order_by(runs.c.queued.desc(), runs.c.id)
    if task is not None:
        same_name = runs.c.task.endswith("/" + task, autoescape=True)
        query = query.where(sa.or_(runs.c.task == task, same_name))
    if status is not None:
        query = query.where(runs.c.status == status.value)
    with database.read() as connection:
        if chosen is None:
            return _records(connection.execute(query.limit(limit)))
        rows = connection.execution_options(yield_per=100).execute(query)
        found = filter(chosen, (RunRecord.model_validate_json(row.record) for row in rows))
        return list(itertools.islice(found, limit))


def _records(rows: Any) -> list[RunRecord]:
    return [RunRecord.model_validate_json(row.record) for row in rows]


# ------------------------------------------------------------------- cancel
def request_cancel(database: Database, run_id: str, actor: str) -> bool:
    """Note who wants the run to stop. False if it had ended."""
    change = (
        sa.update(runs)
        .where(runs.c.id == run_id, runs.c.status.in_(_OPEN))
        .values(cancel_requested=sa.func.coalesce(runs.c.cancel_requested, actor))
    )
    with database.write() as connection:
        return connection.execute(change).rowcount == 1


def cancel_requested(database: Database, run_id: str) -> str | None:
    """Who wants the run to stop, or None."""
    query = sa.select(runs.c.cancel_requested).where(runs.c.id == run_id)
    with database.read() as connection:
        found = connection.execute(query).scalar_one_or_none()
    return None if found is None else str(found)


# --------------------------------------------------------------------- lost
def adopt_lost(
    database: Database, *, host: str, alive: Callable[[int, str], bool], now: datetime
) -> list[RunRecord]:
    """Close the open runs of this host whose process is gone: Failed, reason lost.

    `alive(pid, process_started)` says whether that very process still runs.
    """
    query = sa.select(runs).where(runs.c.host == host, runs.c.status.in_(_OPEN))
    with database.read() as connection:
        rows = connection.execute(query).all()
    gone = [row for row in rows if not alive(row.pid, row.process_started)]
    lost = [
        closed_by_loss(
            RunRecord.model_validate_json(row.record),
            f"the process that did this run (pid {row.pid}) is gone",
            now,
        )
        for row in gone
    ]
    return [record for record in lost if update_run(database, record)]


def closed_by_loss(record: RunRecord, message: str, now: datetime) -> RunRecord:
    """A run that nobody goes on with: Failed, reason lost, its running steps canceled."""
    return record.model_copy(
        update={
            "status": RunStatus.FAILED,
            "reason": Reason.LOST,
            "message": message,
            "finished": now,
            "steps": tuple(_closed(step, now) for step in record.steps),
        }
    )


def _closed(step: StepRecord, now: datetime) -> StepRecord:
    """A step that nobody goes on with: what became of it is not known."""
    if step.status is not StepStatus.RUNNING:
        return step
    return step.model_copy(update={"status": StepStatus.CANCELED, "finished": now})
