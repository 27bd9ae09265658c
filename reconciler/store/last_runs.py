"""The last run of every task, in one query. Judges nothing and writes nothing."""

from __future__ import annotations

import sqlalchemy as sa

from reconciler.model.run import RunRecord
from reconciler.store.database import Database
from reconciler.store.schema import runs


def last_runs(database: Database) -> dict[str, RunRecord]:
    """The newest run of each task that ever ran, by the task's address.

    Of two that were queued at one moment it is the one that a list of runs shows first.
    """
    newest = (
        sa.select(runs.c.task, sa.func.max(runs.c.queued).label("queued"))
        .where(runs.c.task.is_not(None))
        .group_by(runs.c.task)
        .subquery()
    )
    same = sa.and_(runs.c.task == newest.c.task, runs.c.queued == newest.c.queued)
    query = sa.select(runs.c.task, runs.c.record).join(newest, same).order_by(runs.c.id.desc())
    with database.read() as connection:
        rows = connection.execute(query).all()
    # A later row of one task takes the place of an earlier: the smallest id stays.
    documents = {row.task: row.record for row in rows}
    return {task: RunRecord.model_validate_json(text) for task, text in documents.items()}
