"""A program on a terminal of its own: what it prints, and what somebody answers there."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
from collections.abc import Callable

Start = Callable[[int], subprocess.Popen[str]]


def shown(start: Start, *, columns: int = 80) -> str:
    """Everything that the program which `start` starts on a terminal (a descriptor) writes."""
    return answered(start, columns=columns)[1]


def answered(
    start: Start,
    question: str = "",
    answer: str | signal.Signals | None = None,
    *,
    columns: int = 80,
) -> tuple[int, str]:
    """(exit code, everything shown) when somebody answers a question, or sends a signal at it.

    Without an answer nobody waits for a question.
    """
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = start(slave)
    os.close(slave)
    text = b""
    while answer is not None and question.encode() not in text:
        text += os.read(master, 65536)
    if isinstance(answer, signal.Signals):
        process.send_signal(answer)
    elif answer is not None:
        os.write(master, answer.encode())
    while True:
        try:
            text += os.read(master, 65536)
        except OSError:  # the last one that wrote has left
            break
    code = process.wait(timeout=60)
    os.close(master)
    return code, text.decode()
