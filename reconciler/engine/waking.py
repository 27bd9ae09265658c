"""The run that a trigger wants, as it waits in the queue. Pure but for the id."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from reconciler.base.ids import new_id
from reconciler.model.event import Wake
from reconciler.model.run import RunRecord, RunStatus

_KEY = "wake"


def new_run_id() -> str:
    """`r` and ten letters: of a hundred thousand no two are alike."""
    return new_id("r", 10)


def run_of(wake: Wake, run_id: str, now: datetime) -> RunRecord:
    """The record of a run that waits: what woke it, and nothing that its task says."""
    return RunRecord(
        id=run_id,
        task=wake.task,
        trigger=wake.kind,
        actor=wake.actor,
        status=RunStatus.QUEUED,
        commit=wake.commit,
        queued=now,
        wanted={_KEY: wake.model_dump(mode="json", by_alias=True, exclude_defaults=True)},
    )


def series_of(address: str, ref: str | None = None) -> str:
    """Runs of one series are done one at a time: those of a task, which push the same tags.

    A `ref` that is not the one its other runs build has a series of its own.
    """
    return address if ref is None else f"{address}\n{ref}"


def wake_of(wanted: Mapping[str, object]) -> Wake | None:
    """What woke a run, None for one that a person asked for. Raises pydantic's ValidationError."""
    found = wanted.get(_KEY)
    return None if found is None else Wake.model_validate(found)
