"""A worker's hold on its guardian, the process that ends its work when it cannot do so itself.

That one starts the programs of the worker and watches their deadlines (`guardian_process`): the
worker may be killed, frozen, or cut off from the state.
"""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.base.errors import ReconcilerError

LARGEST = 1024 * 1024  # bytes of a message
_PROCESS = "reconciler.adapters.processes.guardian_process"


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


class Guardian:
    """A worker's side: starts programs, moves their deadlines, hears of their ends.

    Not for several threads at once.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", _PROCESS, str(theirs.fileno())],
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
            data = self._socket.recv(LARGEST)
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
