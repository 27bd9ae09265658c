"""A run that goes on without whoever asked for it: queued in the state, done by another process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from reconciler.base.errors import ReconcilerError, WrongUsage
from reconciler.model.run import Reason, RunRecord, RunStatus
from reconciler.operations.running.run_place import RunPlace
from reconciler.operations.running.runs import get_run, start_run
from reconciler.runner.request import RunRequest, read_request

# The name of the command that the other process runs; it is no part of what users call.
CONTINUE = "continue-run"


def queue_run(place: RunPlace, request: RunRequest, folder: Path) -> None:
    """Store a run and start the process that does it, in `folder` as this one.

    The process is told the id of the run, and no more: what is to be done stands in the state.
    Raises ReconcilerError if it cannot be started.
    """
    from reconciler.adapters.processes.alive import this_process  # noqa: PLC0415  (late)
    from reconciler.adapters.processes.process import start_detached  # noqa: PLC0415  (late)
    from reconciler.store.runs import hand_over, insert_run, update_run  # noqa: PLC0415  (late)

    record, own = request.first_record(place.clock()), this_process()
    insert_run(place.database, record, host=own.host, pid=own.pid, process_started=own.started)
    environment = {**place.environment, "RECONCILER_DIRECTORY": str(folder.resolve())}
    try:
        child = start_detached([CONTINUE, request.id], environment=environment)
    except OSError as error:
        message = f"the process for the run cannot be started: {error.strerror}"
        update_run(place.database, _lost(place, record, message))
        raise ReconcilerError(message) from None
    # From now on the run is lost when that process is gone, not when this one is.
    hand_over(
        place.database, request.id, host=child.host, pid=child.pid, process_started=child.started
    )


def continue_run(place: RunPlace, run_id: str) -> RunRecord:
    """Do a queued run in this process. Raises WrongUsage if it is not queued."""
    from reconciler.adapters.processes.alive import this_process  # noqa: PLC0415  (late)
    from reconciler.store.runs import claim_run  # noqa: PLC0415  (late)

    own, record = this_process(), get_run(place, run_id)
    claimed = claim_run(
        place.database, record.id, host=own.host, pid=own.pid, process_started=own.started
    )
    if not claimed:
        raise WrongUsage(f"run {record.id} is not waiting for anybody: {record.status}")
    request = replace(read_request(record.wanted), queued=record.queued)
    return start_run(place, request, stored=True)


def _lost(place: RunPlace, record: RunRecord, message: str) -> RunRecord:
    end = {"status": RunStatus.ERROR, "reason": Reason.LOST, "message": message}
    return record.model_copy(update={**end, "finished": place.clock()})
