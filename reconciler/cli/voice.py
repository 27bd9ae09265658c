"""Tells of one run while it goes on and how it ended. Decides nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import click

from reconciler.base.errors import RunFailed
from reconciler.cli.options import Invocation, show
from reconciler.cli.prefix import LogPainter
from reconciler.model.run import LogLine, Reason, RunRecord, RunStatus

if TYPE_CHECKING:  # late: the database and the engine are slow to import
    from reconciler.cli.screen import Screen
    from reconciler.operations.running.run_place import RunPlace
    from reconciler.operations.workspace import OpenWorkspace
    from reconciler.runner.request import RunRequest

_INTERRUPTED = 130


def run_place(opened: OpenWorkspace, invocation: Invocation) -> RunPlace:
    """Where runs are kept; tells of runs that were lost since the last look."""
    from reconciler.operations.running.run_place import place_of  # noqa: PLC0415
    from reconciler.operations.running.runs import report_lost  # noqa: PLC0415
    from reconciler.operations.running.sweep import sweep_after  # noqa: PLC0415
    from reconciler.report.runs import lost_lines  # noqa: PLC0415

    place = place_of(opened)
    lost = report_lost(place)
    show([*lost_lines(lost, invocation.width), *sweep_after(place, lost)], error=True)
    return place


def start(invocation: Invocation, place: RunPlace, request: RunRequest, *, wait: bool) -> int:
    """Do a run and tell of it; without `wait` another process does it, and its id is printed."""
    from reconciler.operations.running.detached import queue_run  # noqa: PLC0415
    from reconciler.operations.running.runs import start_run  # noqa: PLC0415

    if not wait:
        queue_run(place, request, invocation.folder)
        click.echo(request.id)
        return 0
    with Voice(invocation) as voice:
        record = start_run(place, request, watchers=voice.watchers())
    return voice.end(record)


class Voice:
    """Tells of one run as it goes on. If nobody reads any more, the run goes on untold.

    On a terminal every running step has a row of its own below the log.
    """

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self._width = invocation.width
        self._paint = LogPainter(invocation.environment)
        self._before: RunRecord | None = None
        self._screen: Screen | None = None

    def __enter__(self) -> Self:
        if self._invocation.screen:
            from reconciler.cli.screen import Screen  # noqa: PLC0415  (late: only for a terminal)

            self._screen = Screen(self._rows)
            self._screen.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._screen is not None:
            self._screen.stop()
            self._screen = None

    def _rows(self) -> list[str]:
        from reconciler.report.run_progress import running_rows  # noqa: PLC0415

        return running_rows(self._before, self._invocation.clock(), self._width)

    def watchers(self) -> Any:
        """What the run tells its states and lines to."""
        from reconciler.operations.running.run_place import Watchers  # noqa: PLC0415

        return Watchers(on_record=self._record, on_lines=self._lines)

    def _record(self, record: RunRecord) -> None:
        from reconciler.report.run_progress import progress_lines  # noqa: PLC0415

        self._say(progress_lines(self._before, record, self._width))
        self._before = record

    def _lines(self, lines: Sequence[LogLine]) -> None:
        self._say(list(map(self._paint, lines)))

    def end(self, record: RunRecord) -> int:
        """Tell how it ended; the exit code that says so."""
        from reconciler.report.runs import end_lines  # noqa: PLC0415

        code = exit_code(record)
        self._say(end_lines(record, self._width), error=code != 0)
        return code

    def _say(self, lines: list[str], *, error: bool = False) -> None:
        if self._screen is not None:
            self._screen.write(lines)
            return
        try:
            if lines:
                click.echo("\n".join(lines), err=error)
        except BrokenPipeError:
            # Half a push is worse than a push nobody watches: the log keeps every line.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, (sys.stderr if error else sys.stdout).fileno())


def exit_code(record: RunRecord) -> int:
    """The exit code that says how a run ended."""
    if record.status is RunStatus.SUCCEEDED:
        return 0
    if record.status is RunStatus.CANCELED and record.message == "interrupted":
        return _INTERRUPTED
    return 1 if record.reason is Reason.ENGINE else RunFailed.exit_code
