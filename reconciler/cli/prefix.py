"""The coloured step in front of a log line; click takes the colour away where no terminal reads."""

from __future__ import annotations

from collections.abc import Mapping

import click

from reconciler.model.run import LogLine

# No red: it says that something failed.
_COLOURS = ("cyan", "magenta", "blue", "green", "yellow", "bright_cyan", "bright_magenta")


class LogPainter:
    """Log lines as text: every step has a colour of its own, in the order of their first lines."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        # https://no-color.org: set and not empty.
        self._plain = bool(environment.get("NO_COLOR"))
        self._colours: dict[str, str] = {}

    def __call__(self, line: LogLine) -> str:
        """The text of a line, its step coloured."""
        from reconciler.report.runs import log_text  # noqa: PLC0415  (late: not for `validate`)

        prefix, bar, rest = log_text(line).partition(" |")
        return prefix + bar + rest if self._plain else self._painted(line.step, prefix) + bar + rest

    def _painted(self, step: str, prefix: str) -> str:
        known = len(self._colours)
        colour = self._colours.setdefault(step, _COLOURS[known % len(_COLOURS)])
        return click.style(prefix, fg=colour)
