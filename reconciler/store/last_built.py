"""What the tasks that stand on a tag were last built on, by their runs. Judges nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.engine import Connection

from reconciler.base.clock import to_iso
from reconciler.model.last_built import LastBuilt
from reconciler.model.run import BaseImage, RunStatus, TriggerKind
from reconciler.store.database import Database
from reconciler.store.images import read_image
from reconciler.store.schema import runs, task_bases

# As records are written. What asks for a pull request, or for other words than those of the task,
# does not build what the task pushes.
_NOT_THE_TASK = (f'"trigger":"{TriggerKind.PULL_REQUEST.value}"', '"overrides":{"')
_OF_THE_TASK = (
    runs.c.status == RunStatus.SUCCEEDED.value,
    *(sa.not_(runs.c.record.contains(part, autoescape=True)) for part in _NOT_THE_TASK),
)


class _Record(BaseModel):
    """The part of a run's record that is needed: there may be many tasks on one tag."""

    model_config = ConfigDict(extra="ignore")

    platform: str = "linux/amd64"
    bases: tuple[BaseImage, ...] = ()


def last_known(database: Database, task: str | None, reference: str, platform: str) -> str | None:
    """The digest that a tag is known to have: what was last seen under it, or what the task's
    newest good run since then took for it. None if nobody looks at it, or it was not there.
    """
    with database.read() as connection:
        image = read_image(connection, reference)
        if image is None or image.served is None:
            return None
        since = to_iso(datetime.fromtimestamp(image.seen_at or 0.0, UTC))
        newest = (
            sa.select(runs.c.record)
            .where(runs.c.task == task, runs.c.queued > since, *_OF_THE_TASK)
            .order_by(runs.c.queued.desc(), runs.c.id.desc())
            .limit(1)
        )
        row = connection.execute(newest).first()
    record = _read(row.record) if row is not None else None
    built = LastBuilt(record.platform, record.bases) if record is not None else None
    taken = built.digests(reference, platform) if built is not None else frozenset[str]()
    return min(taken, default=image.served.digest)


def last_built(
    connection: Connection, references: Iterable[str]
) -> dict[tuple[str, str], LastBuilt]:
    """By address and reference: for each applied task that stands on a tag, its newest good run.

    A task without one is not among them. One question for each tag.
    """
    newest = (
        sa.select(runs.c.id)
        .where(
            runs.c.task == task_bases.c.address,
            *_OF_THE_TASK,
        )
        .order_by(runs.c.queued.desc(), runs.c.id.desc())
        .limit(1)
        .correlate(task_bases)
        .scalar_subquery()
    )
    found: dict[tuple[str, str], LastBuilt] = {}
    for reference in references:
        of_tag = sa.select(task_bases.c.address, runs.c.record).join(runs, runs.c.id == newest)
        for row in connection.execute(of_tag.where(task_bases.c.reference == reference)):
            record = _read(row.record)
            if record is not None:
                found[row.address, reference] = LastBuilt(record.platform, record.bases)
    return found


def _read(text: str) -> _Record | None:
    try:
        return _Record.model_validate_json(text)
    except ValidationError:
        return None  # it does not tell
