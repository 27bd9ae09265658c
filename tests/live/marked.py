"""A command that is told from all others by its words: `sleep MARK`, in whatever container."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def running(mark: str) -> bool:
    """Whether a process with the mark in its words runs on this host."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if f"sleep\0{mark}" in path.read_text("utf-8", "replace"):
                return True
    return False
