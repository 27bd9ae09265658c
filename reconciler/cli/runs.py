"""The commands build, run, runs, logs and cancel: words in, lines out. Decides nothing."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from reconciler.base.errors import RunFailed
from reconciler.cli.options import Invocation, pass_invocation, show
from reconciler.model.run import LogLine, Reason, RunRecord, RunStatus

if TYPE_CHECKING:  # late: the database and the engine are slow to import
    from reconciler.operations.run_place import RunPlace
    from reconciler.operations.workspace import OpenWorkspace

_INTERRUPTED = 130
_DEFAULT_TIMEOUT = 3600
_STATUSES = [status.value for status in RunStatus]
_output = click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Format.",
)
_no_push = click.option("--no-push", is_flag=True, help="Build and tag only.")
_no_cache = click.option("--no-cache", is_flag=True, help="Build every step anew.")


# ------------------------------------------------------------------ commands
@click.command()
@click.argument("source", metavar="CONTEXT")
@click.option("-r", "--registry", help="Where to push: a registry's name or login server.")
@click.option("-t", "--image", "images", multiple=True, help="Image name, may hold {{.Run.ID}}.")
@click.option("-f", "--file", default="Dockerfile", show_default=True, help="In the context.")
@click.option("--platform", default="linux/amd64", show_default=True, help="What to build for.")
@click.option("--build-arg", "args", multiple=True, metavar="NAME=VALUE", help="Build argument.")
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="NAME[=env:X|=file:P]",
    help="Secret mount; NAME alone is an environment variable.",
)
@click.option("--target", help="Stage to build.")
@_no_push
@_no_cache
@click.option("--timeout", type=int, default=_DEFAULT_TIMEOUT, show_default=True, help="Seconds.")
@pass_invocation
def build(invocation: Invocation, /, no_push: bool, **words: Any) -> int:
    """Build an image from CONTEXT (a folder, or URL.git#ref:folder) and push it.

    Exit 4: the run failed.
    """
    from reconciler.operations.run_requests import BuildWords, build_request  # noqa: PLC0415
    from reconciler.operations.runs import any_folder, start_run  # noqa: PLC0415

    with invocation.any_workspace() as opened:
        wanted = BuildWords(**words, push=not no_push)
        request = build_request(wanted, opened.workspace, opened.actor)
        place, voice = _place(opened, invocation), _Voice(invocation)
        folders = any_folder(invocation.folder)
        return voice.end(start_run(place, request, folders=folders, watchers=voice.watchers()))


@click.command()
@click.argument("task")
@_no_push
@_no_cache
@click.option("--timeout", type=int, help="Seconds, instead of the task's own.")
@pass_invocation
def run(
    invocation: Invocation, task: str, no_push: bool, no_cache: bool, timeout: int | None
) -> int:
    """Run an applied task now: its address, or its name. Exit 4: the run failed."""
    from reconciler.operations.run_requests import TaskWords, task_request  # noqa: PLC0415
    from reconciler.operations.runs import start_run  # noqa: PLC0415

    words = TaskWords(
        task, push=False if no_push else None, no_cache=no_cache or None, timeout=timeout
    )
    with invocation.workspace() as opened:
        place, voice = _place(opened, invocation), _Voice(invocation)
        request, logins = task_request(words, opened.workspace, opened.provider, opened.actor)
        return voice.end(start_run(place, request, logins=logins, watchers=voice.watchers()))


@click.command()
@click.argument("task", required=False)
@click.option("--status", type=click.Choice(_STATUSES, case_sensitive=False), help="Only these.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many."
)
@_output
@pass_invocation
def runs(
    invocation: Invocation, task: str | None, status: str | None, limit: int, output: str
) -> int:
    """List runs, newest first."""
    from reconciler.operations.runs import list_runs  # noqa: PLC0415
    from reconciler.report.runs import runs_json, runs_lines  # noqa: PLC0415

    with invocation.any_workspace() as opened:
        place = _place(opened, invocation)
        wanted = RunStatus(status) if status else None
        records = list_runs(place, task=task, status=wanted, limit=limit)
    if output == "json":
        click.echo(json.dumps(runs_json(records), indent=2))
    else:
        show(runs_lines(records, invocation.clock(), invocation.width))
    return 0


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run has ended.")
@click.option("--step", help="Lines of this step only.")
@_output
@pass_invocation
def logs(invocation: Invocation, run_id: str, follow: bool, step: str | None, output: str) -> int:
    """Show what a run printed. Ctrl-C ends the showing, not the run."""
    from reconciler.operations.runs import get_run, run_log  # noqa: PLC0415

    tell = _json_line if output == "json" else _text_line
    with invocation.any_workspace() as opened:
        place = _place(opened, invocation)
        try:
            for line in run_log(place, get_run(place, run_id), follow=follow):
                if step is None or line.step == step:
                    tell(line)
        except KeyboardInterrupt:
            return 0
    return 0


@click.command()
@click.argument("run_id", metavar="RUN")
@pass_invocation
def cancel(invocation: Invocation, run_id: str) -> int:
    """Stop a run, wherever it was started."""
    from reconciler.operations.runs import cancel_run  # noqa: PLC0415

    with invocation.any_workspace() as opened:
        record = cancel_run(_place(opened, invocation), run_id)
    state = "canceled" if record.status is RunStatus.CANCELED else record.status.value.lower()
    if record.status.final:
        click.echo(f"run {record.id}: {state}")
    else:
        click.echo(f"run {record.id} was asked to stop and has not yet")
    return 0


def _place(opened: OpenWorkspace, invocation: Invocation) -> RunPlace:
    """Where runs are kept; tells of runs that were lost since the last look."""
    from reconciler.operations.run_place import place_of  # noqa: PLC0415
    from reconciler.operations.runs import report_lost  # noqa: PLC0415
    from reconciler.report.runs import lost_lines  # noqa: PLC0415

    place = place_of(opened)
    show(lost_lines(report_lost(place), invocation.width), error=True)
    return place


# ------------------------------------------------------------------ printing
class _Voice:
    """Tells of one run as it goes on. If nobody reads any more, the run goes on untold."""

    def __init__(self, invocation: Invocation) -> None:
        self._width = invocation.width
        self._before: RunRecord | None = None

    def watchers(self) -> Any:
        """What the run tells its states and lines to."""
        from reconciler.operations.run_place import Watchers  # noqa: PLC0415

        return Watchers(on_record=self._record, on_line=self._line)

    def _record(self, record: RunRecord) -> None:
        from reconciler.report.runs import progress_lines  # noqa: PLC0415

        self._say(progress_lines(self._before, record, self._width))
        self._before = record

    def _line(self, line: LogLine) -> None:
        from reconciler.report.runs import log_text  # noqa: PLC0415

        self._say([log_text(line)])

    def end(self, record: RunRecord) -> int:
        """Tell how it ended; the exit code that says so."""
        from reconciler.report.runs import end_lines  # noqa: PLC0415

        code = _exit_code(record)
        self._say(end_lines(record, self._width), error=code != 0)
        return code

    def _say(self, lines: list[str], *, error: bool = False) -> None:
        try:
            for line in lines:
                click.echo(line, err=error)
        except BrokenPipeError:
            # Half a push is worse than a push nobody watches: the log keeps every line.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, (sys.stderr if error else sys.stdout).fileno())


def _text_line(line: LogLine) -> None:
    from reconciler.report.runs import log_text  # noqa: PLC0415

    click.echo(log_text(line))


def _json_line(line: LogLine) -> None:
    from reconciler.store.logs import to_json  # noqa: PLC0415

    click.echo(json.dumps(to_json(line)))


def _exit_code(record: RunRecord) -> int:
    if record.status is RunStatus.SUCCEEDED:
        return 0
    if record.status is RunStatus.CANCELED and record.message == "interrupted":
        return _INTERRUPTED
    return 1 if record.reason is Reason.ENGINE else RunFailed.exit_code
