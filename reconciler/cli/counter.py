"""How many specs were read so far, in one line that goes away: for who waits at a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping

import click

# A short wait needs no words; and a line that changes more often cannot be read.
_SILENT_SECONDS = 1.0
_EVERY_SECONDS = 0.2


class Counter:
    """Shows a count on standard error where that is a terminal whose cursor can be moved.

    Our own and not rich's: a line of text needs no import of 60 ms before every plan.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        terminal = environment.get("TERM", "dumb") not in {"", "dumb", "unknown"}
        self._next = time.monotonic() + _SILENT_SECONDS
        self._on = terminal and sys.stderr.isatty()
        self._shown = False

    def __call__(self, count: int | None) -> None:
        """So many specs were read; None: all of them, and the line goes away."""
        if not self._on:
            return
        if count is None:
            self._write("")
            self._shown = False
            return
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _EVERY_SECONDS
            self._shown = True
            self._write(f"{count:,} specs read ...")

    def _write(self, text: str) -> None:
        if self._shown:
            click.echo(f"\r{text}\x1b[K" + ("" if text else "\r"), err=True, nl=False)
