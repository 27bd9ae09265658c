"""Rows below the log on a terminal: lines stay whole and in order, the rows go away."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest

from tests.terminal import shown

_START = """
import sys, time
from reconciler.cli.screen import Screen
rows = ["build    > running 1 s", "push     > running 2 s"]
screen = Screen(lambda: rows)
screen.start()
"""
_END = """
screen.stop()
print("after")
"""
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def start(code: str, terminal: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _START + code + _END],
        stdin=terminal, stdout=terminal, stderr=terminal, text=True,
        env={**os.environ, "TERM": "xterm"},
    )  # fmt: skip


def of(code: str) -> str:
    return shown(lambda terminal: start(code, terminal))


def plain(text: str) -> list[str]:
    return _ESCAPE.sub("", text).replace("\r", "\n").splitlines()


def test_lines_come_whole_and_in_order_whatever_they_hold() -> None:
    wide, marked = "x" * 200, "[bold]no markup[/bold] :smile:"
    told = of(f"screen.write(['first', {wide!r}, {marked!r}])\nscreen.write(['last'])")
    lines = plain(told)
    places = [lines.index(text) for text in ("first", wide, marked)]
    assert places == sorted(places)
    assert lines.index("last") > places[-1]
    assert lines[-2:] == ["after", ""]


def test_rows_are_drawn_anew_and_gone_at_the_end() -> None:
    told = of(
        "time.sleep(0.3); rows[:] = ['build    > running 9 s']; time.sleep(1);"
        "rows[:] = ['build    > running 12 s']"
    )
    assert told.index("running 1 s") < told.index("running 9 s")
    last = told.rindex("> running")
    # The row was erased, the cursor is seen again, and what comes next stands in its place.
    assert "\x1b[2K" in told[last:]
    assert "\x1b[?25h" in told[last:]
    assert told.endswith("after\r\n")


def test_many_lines_are_all_shown() -> None:
    told = of("for n in range(20_000): screen.write([f'line {n}'])")
    assert [line for line in plain(told) if line.startswith("line")] == [
        f"line {n}" for n in range(20_000)
    ]


@pytest.mark.parametrize("size", [1, 100_000])
def test_a_terminal_that_goes_away_stops_nothing(size: int) -> None:
    master, slave = pty.openpty()
    code = f"""
import signal
signal.signal(signal.SIGHUP, signal.SIG_IGN)
while True:
    screen.write(["x" * {size}])
    if screen._gone:
        break
    time.sleep(0.01)
screen.stop()
sys.exit(7)
"""
    process = start(code, slave)
    os.close(slave)
    os.read(master, 10)
    os.close(master)
    assert process.wait(timeout=60) == 7
