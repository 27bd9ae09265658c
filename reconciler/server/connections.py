"""The connections of the daemon: bounded in number; those that say nothing give way to new ones.

Who only opens connections, or sends half of a request, silences nobody: the oldest one that waits
for its client is hung up on when a new one comes. Who is being answered is never hung up on.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Callable
from typing import Any

MOST_CONNECTIONS = 1000
_LEAST = 16
SILENT_SECONDS = 10.0
_BACKLOG = 1024
_NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

Complain = Callable[[str], None]


class Accepted(socket.socket):
    """A connection that says when it is closed."""

    gone: Callable[[int], None] | None = None

    def close(self) -> None:
        """Close it."""
        number = self.fileno()
        super().close()
        if self.gone is not None and number >= 0:
            self.gone(number)


class Connections:
    """All connections by the number of their file; used by the thread that serves them alone.

    `complain` is handed a sentence each time that one is hung up on for want of room. `clock`:
    seconds that never go back.
    """

    def __init__(self, most: int, complain: Complain, clock: Callable[[], float]) -> None:
        self._most, self._complain, self._clock = most, complain, clock
        self._open: dict[int, Accepted] = {}
        # Whose client has to say something, and since when; the oldest one first.
        self._silent: dict[int, float] = {}
        self._unfinished: dict[int, float] = {}

    def admit(self, found: Accepted) -> bool:
        """Take a new one, in the place of an old one if need be. False: everybody is at work."""
        if len(self._open) >= self._most and not self.make_room():
            return False
        number = found.fileno()
        found.gone = self._gone
        self._open[number] = found
        self._silent[number] = self._clock()
        return True

    def make_room(self) -> bool:
        """Hang up on the oldest that has sent no request, else on the oldest with half a body."""
        for waiting in (self._silent, self._unfinished):
            if waiting:
                self._complain("too many connections: the oldest that say nothing are closed")
                self._hang_up(next(iter(waiting)))
                return True
        return False

    def shrink(self) -> None:
        """The machine gives no more: from now on a quarter fewer, so that other work has room."""
        self._most = max(_LEAST, len(self._open) * 3 // 4)
        while len(self._open) > self._most and self.make_room():
            pass

    def sweep(self) -> None:
        """Hang up on who has sent no whole head of a request for too long."""
        before = self._clock() - SILENT_SECONDS
        while self._silent:
            number, since = next(iter(self._silent.items()))
            if since > before:
                return
            self._hang_up(number)

    # ------------------------------------------------ what a connection is at
    def awaits_request(self, number: int) -> None:
        """Its client has to send a request."""
        if number in self._open and number not in self._silent:
            self._unfinished.pop(number, None)
            self._silent[number] = self._clock()

    def awaits_body(self, number: int) -> None:
        """Its client has sent the head of a request, and has to send the body."""
        if number in self._open and number not in self._unfinished:
            self._silent.pop(number, None)
            self._unfinished[number] = self._clock()

    def at_work(self, number: int) -> None:
        """Its client has to do nothing but to wait."""
        self._silent.pop(number, None)
        self._unfinished.pop(number, None)

    def _hang_up(self, number: int) -> None:
        self.at_work(number)
        found = self._open.pop(number)
        # Not closed: whoever serves it sees its end, in the middle of a handshake too, and closes
        # it. Its number would else be given to another one that is taken for it.
        with contextlib.suppress(OSError):  # its client was quicker
            found.shutdown(socket.SHUT_RDWR)

    def _gone(self, number: int) -> None:
        self.at_work(number)
        self._open.pop(number, None)


class Listener(socket.socket):
    """A listening socket whose connections are bounded once it has `connections`."""

    connections: Connections | None = None
    # Given up for a moment where no file can be opened: so that who comes can be turned away.
    _spare: int | None = None

    def listen(self, _backlog: int = _BACKLOG, /) -> None:
        """Listen. Who asks for a number means how many are accepted in a row."""
        super().listen(_BACKLOG)

    def accept(self) -> tuple[socket.socket, Any]:
        """A connection. Raises BlockingIOError where there is none, or none that is taken."""
        if self.connections is None:
            return super().accept()
        try:
            found, address = super().accept()
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            self._turn_away(self.connections)
            raise BlockingIOError from None
        taken = Accepted(fileno=found.detach())
        if not self.connections.admit(taken):
            taken.close()
            raise BlockingIOError
        return taken, address

    def close(self) -> None:
        """Close it."""
        self._give_up_spare()
        super().close()

    def keep_spare(self) -> None:
        """Hold a file for the moment in which there are no more, if there is one."""
        if self._spare is None:
            with contextlib.suppress(OSError):
                self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def _turn_away(self, connections: Connections) -> None:
        """No file can be opened: the oldest silent ones go, and so does who comes now.

        Raises OSError if that cannot be done: whoever accepts then waits a while.
        """
        connections.shrink()
        self._give_up_spare()
        try:
            super().accept()[0].close()
        finally:
            self.keep_spare()

    def _give_up_spare(self) -> None:
        if self._spare is not None:
            os.close(self._spare)
            self._spare = None
