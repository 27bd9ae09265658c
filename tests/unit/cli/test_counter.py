"""The count of specs that were read: only at a terminal, only for who waits, gone at the end."""

from __future__ import annotations

import io

import pytest

from reconciler.cli.counter import Counter


class Screen(io.StringIO):
    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def told(
    monkeypatch: pytest.MonkeyPatch,
    seconds: list[float],
    *,
    terminal: bool = True,
    term: str = "xterm",
) -> str:
    """What is shown if so many seconds have passed at each count of a hundred more."""
    screen = Screen(terminal=terminal)
    monkeypatch.setattr("sys.stderr", screen)
    moments = iter([0.0, *seconds])
    monkeypatch.setattr("reconciler.cli.counter.time.monotonic", lambda: next(moments))
    shown = Counter({"TERM": term})
    for number in range(len(seconds)):
        shown(100_000 * (number + 1))
    shown(None)
    shown(None)
    return screen.getvalue()


def test_who_waits_sees_how_far_it_is_and_the_line_goes_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = told(monkeypatch, [0.9, 1.0, 1.1, 1.3])
    assert text == "\r200,000 specs read ...\x1b[K\r400,000 specs read ...\x1b[K\r\x1b[K\r"


@pytest.mark.parametrize("quick", [[], [0.5, 0.9]])
def test_a_short_wait_needs_no_words(monkeypatch: pytest.MonkeyPatch, quick: list[float]) -> None:
    assert told(monkeypatch, quick) == ""


def test_a_file_and_a_plain_terminal_get_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, [5.0], terminal=False) == ""
    assert told(monkeypatch, [5.0], term="dumb") == ""
