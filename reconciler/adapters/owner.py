"""Which process of ours a program belongs to, and the end of programs whose owner is gone.

A program that was started for us may go on when we are killed: it carries its owner's name in its
environment, so that a later process can tell. Knows no program.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

from reconciler.adapters.process import process_started

VARIABLE = "RECONCILER_OWNER"
# What is being started while we look is found the next time round.
_ROUNDS = 5


def owner_of_this_process() -> str:
    """`PID-TICKS`: a later process may have the number, not the start."""
    return f"{os.getpid()}-{_ticks(os.getpid())}"


def owner_lives(owner: str) -> bool:
    """True while the process of that name runs on this host."""
    pid, _, ticks = owner.partition("-")
    return pid.isdecimal() and _ticks(int(pid)) == ticks


def end_orphans() -> None:
    """End the programs of this user whose owner is gone (where there is a /proc)."""
    for _ in range(_ROUNDS):
        if sum(_end_orphan(process) for process in Path("/proc").glob("[0-9]*")) == 0:
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
    variables = (process / "environ").read_bytes().split(b"\0")
    mark = f"{VARIABLE}=".encode()
    owner = next((each[len(mark) :] for each in variables if each.startswith(mark)), b"")
    name = owner.decode("ascii", "replace")
    # Numbers of another namespace (a container's) mean nothing here.
    return _is_name(name) and not owner_lives(name) and _namespace(process) == _namespace()


def _is_name(owner: str) -> bool:
    pid, _, ticks = owner.partition("-")
    return pid.isdecimal() and ticks.isdecimal()


def _namespace(process: Path = Path("/proc/self")) -> str:
    return str((process / "ns" / "pid").readlink())


def _ticks(pid: int) -> str | None:
    started = process_started(pid)
    return started.rpartition(":")[2] if started else None
