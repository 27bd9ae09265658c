"""What a run says of a context that could not be fetched, from Git or from elsewhere."""

from __future__ import annotations

import shutil
from pathlib import Path

from reconciler.adapters.fetch_fault import FetchError, FetchFault
from reconciler.model.run import Reason
from reconciler.runner.failure import Failure, Stop, no_room


def unfetched(error: FetchError, place: Path, what: str, message: str) -> Failure | Stop:
    """The end of a run that fetched into `place`, which is removed.

    Half a context is nothing, and on a full disk the record of the run needs the room. `what` is
    said there, `message` elsewhere.
    """
    full = no_room(place.parent, what) if error.fault is FetchFault.DISK else None
    shutil.rmtree(place, ignore_errors=True)
    if full is not None:
        return full
    if error.fault is FetchFault.STOPPED:
        return Stop(Reason.CANCELED, error.message)
    denied = error.fault is FetchFault.AUTH
    return Failure(Reason.SOURCE_AUTH if denied else Reason.SOURCE_MISSING, message)
