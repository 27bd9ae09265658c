"""Rows that stay at the bottom of a terminal while lines go by above them. Decides nothing.

Lines are shown in batches: the rows below are drawn anew once a batch, not once a line.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterable

from rich.console import Console, ConsoleOptions
from rich.live import Live
from rich.segment import Segment
from rich.text import Text

_EVERY = 0.1  # seconds between batches
_REDRAW = 5  # batches between two looks at the clock
_LARGEST = 1 << 16  # characters that wait at most; who writes more waits for the terminal


class Screen:
    """A terminal with `rows` at its bottom. If it goes away, what is written is dropped."""

    def __init__(self, rows: Callable[[], list[str]]) -> None:
        self._console = Console(highlight=False)
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            get_renderable=lambda: Text("\n".join(rows()), style="dim", end=""),
        )
        self._lock = threading.Lock()
        self._waiting: list[str] = []
        self._size = 0
        self._gone = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="screen", daemon=True)

    def start(self) -> None:
        """Show the rows."""
        self._guarded(lambda: self._live.start(refresh=True))
        self._thread.start()

    def write(self, lines: Iterable[str]) -> None:
        """Show lines above the rows, soon."""
        with self._lock:
            for line in lines:
                self._waiting.append(line + "\n")
                self._size += len(line)
            if self._size > _LARGEST:
                self._flush()

    def stop(self) -> None:
        """Show what waits, take the rows away."""
        self._stopped.set()
        self._thread.join()
        with self._lock:
            self._flush()
        self._guarded(self._live.stop)

    def _tick(self) -> None:
        count = 0
        while not self._stopped.wait(_EVERY):
            count += 1
            with self._lock:
                self._flush()
                if count % _REDRAW == 0:
                    self._guarded(self._live.refresh)

    def _flush(self) -> None:
        text, self._waiting, self._size = "".join(self._waiting), [], 0
        if text:
            # Not parsed, not wrapped, not cut: the terminal shows a line as it would without us.
            self._guarded(
                lambda: self._console.print(_Lines(text), end="", crop=False, soft_wrap=True)
            )

    def _guarded(self, draw: Callable[[], object]) -> None:
        if self._gone:
            return
        try:
            draw()
        except OSError:
            self._gone = True
            _drop_output()


def _drop_output() -> None:
    """What is still buffered for a terminal that is gone must not be its exit code, either."""
    with contextlib.suppress(OSError, ValueError):
        handle = os.open(os.devnull, os.O_WRONLY)
        os.dup2(handle, sys.stdout.fileno())
        os.close(handle)


class _Lines:
    """Text that rich prints as it is."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __rich_console__(self, _console: Console, _options: ConsoleOptions) -> Iterable[Segment]:
        yield Segment(self._text)
