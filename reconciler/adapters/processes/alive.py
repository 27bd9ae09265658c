"""Whether a process is there, told from a later one with the same number. Starts none."""

from __future__ import annotations

import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process, told from a later one with the same number by when and in which boot it began."""

    host: str
    pid: int
    started: str


def this_process() -> ProcessIdentity:
    """The identity of the calling process."""
    return ProcessIdentity(socket.gethostname(), os.getpid(), process_started(os.getpid()) or "")


def die() -> None:
    """End this process as `kill -9` does: nothing is tidied up."""
    os.kill(os.getpid(), signal.SIGKILL)


def process_started(pid: int) -> str | None:
    """When a process of this host began (`boot:ticks`), or None if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("utf-8").strip()
    except OSError:
        return None
    # The name in brackets may hold blanks and brackets; field 22 counts from after it.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else f"{boot}:{fields[19]}"


def is_alive(pid: int, started: str) -> bool:
    """True if that very process still runs on this host."""
    return process_started(pid) == started
