"""What a program prints on a terminal of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Callable


def shown(start: Callable[[int], subprocess.Popen[str]], *, columns: int = 80) -> str:
    """Everything that the program which `start` starts on a terminal (a descriptor) writes."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = start(slave)
    os.close(slave)
    text = b""
    while True:
        try:
            text += os.read(master, 65536)
        except OSError:  # the last one that wrote has left
            break
    process.wait(timeout=60)
    os.close(master)
    return text.decode()
