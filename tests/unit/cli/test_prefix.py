"""Steps of a log have colours, unless nobody wants them."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from reconciler.cli.prefix import LogPainter
from reconciler.model.run import LogLine

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def line(step: str, text: str = "hello | there") -> LogLine:
    return LogLine(NOW, step, text)


def test_a_step_keeps_its_colour_and_another_step_has_another() -> None:
    paint = LogPainter({})
    build, push, again = paint(line("build")), paint(line("push")), paint(line("build"))
    assert build == again
    assert build.partition("build")[0] != push.partition("push")[0]
    assert click.unstyle(build) == "build    | hello | there"


def test_the_text_of_a_line_has_no_colour() -> None:
    assert LogPainter({})(line("build")).endswith("\x1b[0m | hello | there")


def test_no_color_is_obeyed() -> None:
    assert LogPainter({"NO_COLOR": "1"})(line("build")) == "build    | hello | there"


def test_an_empty_no_color_is_none() -> None:
    assert "\x1b[" in LogPainter({"NO_COLOR": ""})(line("build"))


def test_an_empty_line_keeps_its_bar() -> None:
    assert click.unstyle(LogPainter({})(line("build", ""))) == "build    |"
