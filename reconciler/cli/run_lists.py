"""The commands runs, logs and cancel: words in, lines out. Decides nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import click

from reconciler.cli.options import Invocation, output_option, pass_invocation, show
from reconciler.cli.prefix import LogPainter
from reconciler.cli.voice import run_place
from reconciler.model.run import LogLine, RunStatus, TriggerKind

_STATUSES = [status.value for status in RunStatus]
_TRIGGERS = [kind.value for kind in TriggerKind]


@click.command()
@click.argument("task", required=False)
@click.option("--status", type=click.Choice(_STATUSES, case_sensitive=False), help="Only these.")
@click.option("--image", metavar="GLOB", help="Only runs that made such an image, as web:*.")
@click.option(
    "--trigger", type=click.Choice(_TRIGGERS, case_sensitive=False), help="Only runs woken so."
)
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many."
)
@output_option
@pass_invocation
def runs(
    invocation: Invocation,
    /,
    status: str | None,
    trigger: str | None,
    output: str,
    **words: Any,
) -> int:
    """List runs, newest first."""
    from reconciler.operations.running.runs import RunFilter, list_runs  # noqa: PLC0415
    from reconciler.operations.running.unserved import unserved_of  # noqa: PLC0415
    from reconciler.report.runs import runs_json, runs_lines, unserved_lines  # noqa: PLC0415

    with invocation.any_workspace() as opened:
        place = run_place(opened, invocation)
        wanted = RunStatus(status) if status else None
        kind = TriggerKind(trigger) if trigger else None
        records = list_runs(place, RunFilter(status=wanted, trigger=kind, **words))
        unserved = unserved_of(place, records)
    if output == "json":
        click.echo(json.dumps(runs_json(records, unserved), indent=2))
    else:
        now, width = invocation.clock(), invocation.table_width
        show([*runs_lines(records, now, width), *unserved_lines(unserved, now, width)])
    return 0


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run has ended.")
@click.option("--step", help="Lines of this step only.")
@output_option
@pass_invocation
def logs(invocation: Invocation, run_id: str, follow: bool, step: str | None, output: str) -> int:
    """Show what a run printed. Ctrl-C ends the showing, not the run."""
    from reconciler.operations.running.runs import get_run, run_log  # noqa: PLC0415

    text = _json_text if output == "json" else _shown(invocation)
    with invocation.any_workspace() as opened:
        place = run_place(opened, invocation)
        try:
            for line in run_log(place, get_run(place, run_id), follow=follow, step=step):
                click.echo(text(line))
        except KeyboardInterrupt:
            return 0
    return 0


@click.command()
@click.argument("run_id", metavar="RUN")
@pass_invocation
def cancel(invocation: Invocation, run_id: str) -> int:
    """Stop a run, wherever it was started."""
    from reconciler.operations.running.runs import cancel_run  # noqa: PLC0415

    with invocation.any_workspace() as opened:
        record = cancel_run(run_place(opened, invocation), run_id)
    state = "canceled" if record.status is RunStatus.CANCELED else record.status.value.lower()
    if record.status.final:
        click.echo(f"run {record.id}: {state}")
    else:
        click.echo(f"run {record.id} was asked to stop and has not yet")
    return 0


def _shown(invocation: Invocation) -> Callable[[LogLine], str | bytes]:
    from reconciler.report.runs import log_bytes  # noqa: PLC0415

    return LogPainter(invocation.environment) if sys.stdout.isatty() else log_bytes


def _json_text(line: LogLine) -> str:
    from reconciler.store.logs import to_json  # noqa: PLC0415

    return json.dumps(to_json(line))
