"""The program that does one run under a lease: every state it stores is fenced."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from reconciler.base.errors import (
    EngineUnavailable,
    NotBegun,
    ReconcilerError,
    StateFull,
    StateUnusable,
)
from reconciler.model.lease import Lease
from reconciler.model.run import Reason, RunRecord, RunStatus
from reconciler.operations.running.observed import remember_observed
from reconciler.operations.running.run_place import RunPlace, place_of
from reconciler.operations.running.runs import get_run, start_run
from reconciler.operations.running.sweep import engine_containers, engines_of
from reconciler.operations.serving.requests import TaskOff, request_of
from reconciler.operations.workspace import OpenWorkspace
from reconciler.store.leases import lease_of, save

# A state that is away comes back, or the guardian ends this process before its lease is over.
_RETRY_SECONDS = 0.5


def do_leased(opened: OpenWorkspace, run_id: str, worker: str, fence: int) -> RunRecord:
    """Do the run of a lease in this process. Raises LeaseLost; NotBegun: the state cannot be read.

    What an earlier try left on an engine is removed first: nothing of it runs any more.
    """
    try:
        place = replace(place_of(opened), fence=fence)
        lease = lease_of(place.database, run_id, worker, fence)
    except StateUnusable as error:
        raise NotBegun(error.message, hint=error.hint, details=error.details) from None
    keep = _keeper(place, lease)
    record = get_run(place, run_id)
    if lease.fence > 1:
        clear_run(place, run_id, lease.fence - 1)
    try:
        request = request_of(opened, record)
    except StateUnusable:
        raise
    except ReconcilerError as error:
        ended = _refused(record, error, place)
        keep(ended)
        return ended
    return start_run(place, request, keep=keep)


def _keeper(place: RunPlace, lease: Lease) -> Callable[[RunRecord], None]:
    def keep(record: RunRecord) -> None:
        while True:
            try:
                save(place.database, lease, record, remember_observed)
            except StateFull:
                raise
            except StateUnusable:
                time.sleep(_RETRY_SECONDS)
            else:
                return

    return keep


def _refused(record: RunRecord, error: ReconcilerError, place: RunPlace) -> RunRecord:
    message = f"{error.message}; {error.hint}" if error.hint else error.message
    status, reason = RunStatus.ERROR, Reason.TASKFILE_INVALID
    if isinstance(error, TaskOff):
        status, reason = RunStatus.CANCELED, Reason.TASK_OFF
    end = {"status": status, "reason": reason, "message": message}
    return record.model_copy(update={**end, "finished": place.clock()})


def clear_run(place: RunPlace, run_id: str, fence: int) -> None:
    """Remove what a holder of a run, and those before it, made on the engines.

    What a later holder made stays: who was frozen may be late. An engine that does not answer is
    cleared by a later run.
    """
    held = replace(place, fence=fence)
    for address in engines_of(place):
        try:
            engine_containers(held, address).remove_run(run_id)
        except EngineUnavailable:
            continue
