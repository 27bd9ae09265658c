"""Starts programs, watches them, ends them with everything they started. Knows no program.

The only door to `subprocess`. Arguments are lists, the environment is always given, standard
input is empty, and every program leads its own session so that its whole group can be ended.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.processes.alive import ProcessIdentity, process_started

# From the first polite signal to the last one; with it a group is gone within two seconds.
GRACE_SECONDS = 1.5
_POLL_SECONDS = 0.1
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: `exit_code` is negative for a signal; `stopped` if we ended it."""

    exit_code: int
    stopped: bool = False


def stream(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    on_output: Callable[[bytes], None],
    stopping: Callable[[], bool],
    folder: Path | None = None,
) -> Ended:
    """Run a program, handing over its output (both streams) as it comes, until it ends.

    When `stopping()` becomes true the whole group gets SIGTERM and, 1.5 s later, SIGKILL.
    Raises FileNotFoundError or PermissionError if the program cannot be started.
    """
    with _start(argv, environment, folder) as process:
        try:
            stopped = _pump(process, on_output, stopping)
        finally:
            end_group(process)
    return Ended(process.returncode, stopped)


def capture(
    argv: Sequence[str], *, environment: Mapping[str, str], timeout: float
) -> tuple[int, str]:
    """(exit code, output) of a short program. Raises OSError or TimeoutError."""
    output: list[bytes] = []
    deadline = time.monotonic() + timeout
    ended = stream(
        argv,
        environment=environment,
        on_output=output.append,
        stopping=lambda: time.monotonic() > deadline,
    )
    if ended.stopped:
        raise TimeoutError(f"{argv[0]} gave no answer in {timeout:.0f} s")
    return ended.exit_code, b"".join(output).decode("utf-8", "replace")


@functools.cache
def _leash() -> tuple[str, ...]:
    # The kernel ends the program when we are killed: nobody else could. setpriv is part of
    # util-linux; without it a program may outlive a kill -9 of ours.
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "TERM", "--") if setpriv else ()


def kill_leash() -> tuple[str, ...]:
    """Words before those of a program that the kernel ends with SIGKILL when its parent dies.

    For one that bears SIGTERM. Empty where there is no setpriv.
    """
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "KILL", "--") if setpriv else ()


# The signal of the kernel reaches one process: this one hands it to the whole group.
_GROUP_LEASH = ("sh", "-c", "trap 'kill -KILL 0' TERM; \"$@\" & wait $!", "sh")


def start_detached(words: Sequence[str], *, environment: Mapping[str, str]) -> ProcessIdentity:
    """Start this program again with other words; it goes on when this process ends.

    It leads a session of its own, and reads and writes nowhere. `-P`: no module is taken from the
    folder it is started in. Raises OSError.
    """
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "reconciler", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=dict(environment),
        start_new_session=True,
    )
    started = process_started(process.pid) or ""
    # Nobody waits for it: say so, or Python would complain when the handle goes away.
    process.returncode = 0
    return ProcessIdentity(socket.gethostname(), process.pid, started)


def start(
    argv: Sequence[str], *, environment: Mapping[str, str], folder: Path
) -> subprocess.Popen[bytes]:
    """Start a program whose output and complaints are read apart; end it with `end_group`.

    When we are killed it ends with everything it started (where there is setpriv). Raises
    FileNotFoundError or PermissionError if it cannot be started.
    """
    leash = (*_leash(), *_GROUP_LEASH) if _leash() else ()
    return _start(argv, environment, folder, complaints=subprocess.PIPE, leash=leash)


def _start(
    argv: Sequence[str],
    environment: Mapping[str, str],
    folder: Path | None,
    *,
    complaints: int = subprocess.STDOUT,
    leash: Sequence[str] | None = None,
) -> subprocess.Popen[bytes]:
    if shutil.which(argv[0], path=environment.get("PATH")) is None:
        raise FileNotFoundError(errno.ENOENT, "there is no such program", argv[0])
    return subprocess.Popen(
        [*(_leash() if leash is None else leash), *argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=complaints,
        env=dict(environment),
        cwd=folder,
        start_new_session=True,
        bufsize=0,
    )


def _pump(
    process: subprocess.Popen[bytes],
    on_output: Callable[[bytes], None],
    stopping: Callable[[], bool],
) -> bool:
    """Read until the program has ended; True if it was told to stop."""
    assert process.stdout is not None  # noqa: S101  (it was opened as a pipe)
    deadline: float | None = None
    while True:
        if deadline is None and stopping():
            _signal_group(process, signal.SIGTERM)
            deadline = time.monotonic() + GRACE_SECONDS
        ready, _, _ = select.select([process.stdout], [], [], _POLL_SECONDS)
        chunk = os.read(process.stdout.fileno(), _CHUNK) if ready else b""
        if chunk:
            on_output(chunk)
        if deadline is not None and time.monotonic() > deadline:
            return True
        # A child may keep the pipe open after its parent has ended, and the other way round.
        if not chunk and has_ended(process):
            return deadline is not None
        if ready and not chunk:
            time.sleep(_POLL_SECONDS / 10)


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """True if a program that nobody has waited for yet is over."""
    # WNOWAIT: the process stays a zombie, so that its group number is nobody else's yet.
    state = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return state is not None


def end_group(process: subprocess.Popen[bytes], *, grace: float = 0) -> None:
    """End a program that leads its own session, and everything it started, and wait for it.

    With `grace` the group gets SIGTERM first and so many seconds to end by itself. Whoever calls
    it asks `has_ended` and not `poll`, which would give the group's number free.
    """
    if grace:
        _signal_group(process, signal.SIGTERM)
        deadline = time.monotonic() + grace
        while not has_ended(process) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS / 10)
    _signal_group(process, signal.SIGKILL)
    process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
