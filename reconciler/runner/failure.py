"""How a run ends before its time: one exception for a reason, one for a stop."""

from __future__ import annotations

from pathlib import Path

from reconciler.base.room import FIX, full_disk, is_full
from reconciler.model.run import Reason, RunStatus


class Failure(Exception):
    """The run cannot succeed. `status` is Failed unless the engine or the time is to blame."""

    def __init__(
        self, reason: Reason, message: str, *, status: RunStatus = RunStatus.FAILED
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.status = status


class Stop(Exception):
    """The run was told to stop: Canceled by somebody, or out of time."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message

    @property
    def status(self) -> RunStatus:
        """Timeout or Canceled."""
        return RunStatus.TIMEOUT if self.reason is Reason.TIMEOUT else RunStatus.CANCELED


def no_room(folder: Path, message: str) -> Failure:
    """The failure for what could not be written because a disk is full."""
    told = f"{message}: {full_disk(folder)}; {FIX}"
    return Failure(Reason.DISK, told, status=RunStatus.ERROR)


def written_failure(error: OSError, folder: Path, reason: Reason, message: str) -> Failure:
    """The failure of writing into a folder: a full disk has a reason of its own."""
    if is_full(error):
        return no_room(folder, message)
    return Failure(reason, f"{message}: {error.strerror or error}")
