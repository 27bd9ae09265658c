"""Which process of ours a program belongs to, and the end of programs whose owner is gone.

A program that was started for us may go on when we are killed: it carries its owner's name in its
environment, so that a later process can tell. Knows no program.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Callable, Iterable
from pathlib import Path

from reconciler.adapters.processes.alive import process_started

VARIABLE = "RECONCILER_OWNER"
_MARK = re.compile(VARIABLE.encode() + rb"=([0-9]+-[0-9]+)")
# What is being started while we look is found the next time round.
_ROUNDS = 5


def _every_process() -> Iterable[Path]:
    return Path("/proc").glob("[0-9]*")


def owner_of_this_process() -> str:
    """`PID-TICKS`: a later process may have the number, not the start."""
    return f"{os.getpid()}-{_ticks(os.getpid())}"


def owner_lives(owner: str) -> bool:
    """True while the process of that name runs on this host."""
    pid, _, ticks = owner.partition("-")
    return pid.isdecimal() and _ticks(int(pid)) == ticks


def end_orphans(processes: Callable[[], Iterable[Path]] = _every_process) -> None:
    """End the programs of this user whose owner is gone (where there is a /proc).

    `processes` says which folders of /proc to look at: a caller that knows its own gives those.
    A program that names no owner is never touched.
    """
    for _ in range(_ROUNDS):
        if sum(_end_orphan(process) for process in processes()) == 0:
            return


def _end_orphan(process: Path) -> bool:
    with contextlib.suppress(OSError, AttributeError):
        # The handle comes first: whatever is read then is of the process that is ended.
        handle = os.pidfd_open(int(process.name))
        try:
            if _is_orphan(process):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                return True
        finally:
            os.close(handle)
    return False


def _is_orphan(process: Path) -> bool:
    if process.stat().st_uid != os.getuid():
        return False
    owner = _owner_of((process / "environ").read_bytes())
    if owner is None:
        return False
    # Numbers of another namespace (a container's) mean nothing here.
    return _namespace(process) == _namespace() and not owner_lives(owner)


def _owner_of(environment: bytes) -> str | None:
    """The owner that an environment names; None if it names none, or not as we do."""
    for variable in environment.split(b"\0"):
        if found := _MARK.fullmatch(variable):
            return found[1].decode("ascii")
    return None


def _namespace(process: Path = Path("/proc/self")) -> str:
    return str((process / "ns" / "pid").readlink())


def _ticks(pid: int) -> str | None:
    started = process_started(pid)
    return started.rpartition(":")[2] if started else None
