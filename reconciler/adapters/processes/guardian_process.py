"""The process that ends the work of a worker which cannot do so itself. Started by `guardian`.

It starts programs and watches their deadlines, on a clock that goes on while the machine sleeps. It
never talks to the database or to any service, so nothing can keep it waiting. When its worker is
gone it ends everything; when it is killed itself, the kernel ends its programs.
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
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.adapters.processes.guardian import LARGEST, Over, boottime
from reconciler.adapters.processes.process import has_ended

_LONGEST_LOOK = 1.0
# So long may the program take that tidies up after another one.
AFTERWARDS_SECONDS = 15.0


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
            data = self.worker.recv(LARGEST)
        except BlockingIOError:
            return True
        except OSError:
            return False
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self._obey(json.loads(line))
        return bool(data)

    def _obey(self, message: dict[str, Any]) -> None:
        key = message["key"]
        match message["do"]:
            case "start":
                process = _start(message["argv"])
                self.programs[key] = _Program(process, message["afterwards"], message["deadline"])
            case "extend" if key in self.programs and self.programs[key].works:
                self.programs[key].deadline = message["deadline"]
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
