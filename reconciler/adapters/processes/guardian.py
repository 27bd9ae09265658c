"""Ends the work of a worker that cannot do so itself: killed, frozen, or cut off from the state.

A process of its own that starts the programs of a worker and watches their deadlines, on a clock
that goes on while the machine sleeps. It never talks to the database or to any service, so nothing
can keep it waiting. When its worker is gone it ends everything; when it is killed itself, the
kernel ends its programs.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.adapters.processes.process import has_ended
from reconciler.base.errors import ReconcilerError

_LARGEST = 1024 * 1024  # bytes of a message
_LONGEST_LOOK = 1.0
# So long may the program take that tidies up after another one.
AFTERWARDS_SECONDS = 15.0


class GuardianGone(ReconcilerError):
    """The guardian was killed, and with it everything it had started."""

    code = "guardian-gone"


def boottime() -> float:
    """Seconds since the machine was started, sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class Over:
    """A program of a key is over. `exit_code` is negative for a signal; `late`: it was ended at
    its deadline."""

    key: str
    exit_code: int
    late: bool


# ------------------------------------------------------------------- worker's
class Guardian:
    """A worker's side: starts programs, moves their deadlines, hears of their ends.

    Not for several threads at once.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                env=dict(environment),
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C of a terminal is for the worker
            )
        self._socket, self._rest = ours, b""
        self._socket.setblocking(False)

    @property
    def pid(self) -> int:
        """The process of the guardian."""
        return self._process.pid

    def start(
        self, key: str, argv: Sequence[str], afterwards: Sequence[str], deadline: float
    ) -> None:
        """Start a program in a session of its own; `deadline` in seconds of `boottime`.

        Whenever it is over, however that came, `afterwards` is run (if it is not empty, for 15 s
        at most) before that is told. Raises GuardianGone.
        """
        self._send(
            {"do": "start", "key": key, "argv": list(argv), "afterwards": list(afterwards)}
            | {"deadline": deadline}
        )

    def extend(self, key: str, deadline: float) -> None:
        """Move the deadline of a program. One that is over is left so. Raises GuardianGone."""
        self._send({"do": "extend", "key": key, "deadline": deadline})

    def end(self, key: str) -> None:
        """Kill a program with everything it started. Raises GuardianGone."""
        self._send({"do": "end", "key": key})

    def over(self, wait: float = 0.0) -> list[Over]:
        """The programs that ended since it was last asked; waits for one up to `wait` seconds.

        Raises GuardianGone.
        """
        ready, _, _ = select.select([self._socket], [], [], wait)
        if ready:
            self._rest += self._heard()
        *lines, self._rest = self._rest.split(b"\n")
        return [Over(**json.loads(line)) for line in lines]

    def _heard(self) -> bytes:
        try:
            data = self._socket.recv(_LARGEST)
        except OSError:
            data = b""
        if not data:
            raise GuardianGone("the guardian of this worker was killed")
        return data

    def close(self) -> None:
        """Let go: the guardian ends all programs that still run, and itself. Waits for that."""
        self._socket.close()
        self._process.wait()

    def _send(self, message: Mapping[str, object]) -> None:
        data = json.dumps(message).encode() + b"\n"
        try:
            while data:
                select.select([], [self._socket], [])
                data = data[self._socket.send(data) :]
        except OSError:
            raise GuardianGone("the guardian of this worker was killed") from None


# ----------------------------------------------------------------- guardian's
@dataclass(slots=True)
class _Program:
    process: subprocess.Popen[bytes]
    afterwards: Sequence[str]
    deadline: float
    late: bool = False
    code: int | None = None  # of the program, while `afterwards` runs

    @property
    def works(self) -> bool:
        """True until `afterwards` begins."""
        return self.code is None


@dataclass(slots=True)
class _Watch:
    """The loop of the guardian: messages in, deadlines, ends out."""

    worker: socket.socket
    woken: int
    programs: dict[str, _Program] = field(default_factory=dict)
    rest: bytes = b""

    def run(self) -> None:
        """Until the worker is gone and everything it had is over."""
        there = True
        while there or self.programs:
            self._look(there)
            if there:
                there = self._listen()
                if not there:
                    self._end_all()
            self._enforce()
            self._reap()

    def _look(self, there: bool) -> None:
        until = [item.deadline for item in self.programs.values()]
        wait = min([_LONGEST_LOOK, *(max(0.0, moment - boottime()) for moment in until)])
        heard = [self.woken, self.worker.fileno()] if there else [self.woken]
        select.select(heard, [], [], wait)
        with contextlib.suppress(BlockingIOError):
            os.read(self.woken, 4096)

    def _listen(self) -> bool:
        """Do what the worker says; False if it is gone."""
        try:
            data = self.worker.recv(_LARGEST)
        except BlockingIOError:
            return True
        except OSError:
            return False
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self._obey(json.loads(line))
        return bool(data)

    def _obey(self, message: dict[str, object]) -> None:
        key = str(message["key"])
        match message["do"]:
            case "start":
                argv, afterwards = message["argv"], message["afterwards"]
                assert isinstance(argv, list)  # noqa: S101  (our own words)
                assert isinstance(afterwards, list)  # noqa: S101
                deadline = float(str(message["deadline"]))
                self.programs[key] = _Program(_start(argv), afterwards, deadline)
            case "extend" if key in self.programs and self.programs[key].works:
                self.programs[key].deadline = float(str(message["deadline"]))
            case "end" if key in self.programs and self.programs[key].works:
                _kill(self.programs[key].process)

    def _end_all(self) -> None:
        for item in self.programs.values():
            if item.works:
                _kill(item.process)

    def _enforce(self) -> None:
        for item in self.programs.values():
            if boottime() >= item.deadline:
                item.late = item.late or item.works
                _kill(item.process)

    def _reap(self) -> None:
        for key, item in list(self.programs.items()):
            if not has_ended(item.process):
                continue
            _kill(item.process)  # what it left behind in its session; its number is still its own
            item.process.wait()
            if item.works:
                item.code = item.process.returncode
                if item.afterwards:
                    item.process = _start(item.afterwards)
                    item.deadline = boottime() + AFTERWARDS_SECONDS
                    continue
            del self.programs[key]
            self._tell(Over(key, item.code or 0, item.late))

    def _tell(self, over: Over) -> None:
        told = {"key": over.key, "exit_code": over.exit_code, "late": over.late}
        with contextlib.suppress(OSError):  # nobody there to hear it
            self.worker.setblocking(True)
            self.worker.sendall(json.dumps(told).encode() + b"\n")
        with contextlib.suppress(OSError):
            self.worker.setblocking(False)


def _start(argv: Sequence[str]) -> subprocess.Popen[bytes]:
    setpriv = shutil.which("setpriv")
    leash = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
    return subprocess.Popen(
        [*leash, *argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _main(descriptor: int) -> None:
    worker = socket.socket(fileno=descriptor)
    worker.setblocking(False)
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # Whoever ends a service sends its signals to all of it: the worker decides, by going.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _Watch(worker, woken).run()


if __name__ == "__main__":
    _main(int(sys.argv[1]))
