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
        from reconciler.report.runs import log_text  # noqa: PLC0415  (late: not for `validate`)

        self._text = log_text
        # https://no-color.org: set and not empty.
        self._plain = bool(environment.get("NO_COLOR"))
        # By step: how long its prefix is, and the prefix in its colour.
        self._painted: dict[str, tuple[int, str]] = {}

    def __call__(self, line: LogLine) -> str:
        """The text of a line, its step coloured."""
        text = self._text(line)
        if self._plain:
            return text
        if line.step not in self._painted:
            prefix = text.partition(" |")[0]
            colour = _COLOURS[len(self._painted) % len(_COLOURS)]
            self._painted[line.step] = (len(prefix), click.style(prefix, fg=colour))
        length, painted = self._painted[line.step]
        return painted + text[length:]
