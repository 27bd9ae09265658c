"""The command tasks: words in, lines out. Decides nothing."""

from __future__ import annotations

import click

from reconciler.cli.options import Invocation, output_option, pass_invocation, show


@click.command()
@output_option
@pass_invocation
def tasks(invocation: Invocation, output: str) -> int:
    """List the live tasks: owner, triggers, status, source, image, identity, last run, next timer.

    Columns that do not fit stand below each task; into a pipe or a file nothing is cut.
    """
    from reconciler.operations.running.run_place import place_of  # noqa: PLC0415
    from reconciler.operations.running.runs import report_lost  # noqa: PLC0415
    from reconciler.operations.showing.tasks import live_tasks  # noqa: PLC0415
    from reconciler.report.machine import to_text  # noqa: PLC0415
    from reconciler.report.runs import lost_lines  # noqa: PLC0415
    from reconciler.report.tasks import tasks_json, tasks_lines  # noqa: PLC0415

    now = invocation.clock()
    with invocation.workspace() as opened:
        # A run whose process is gone must not be shown as running.
        show(lost_lines(report_lost(place_of(opened)), invocation.width), error=True)
        rows = live_tasks(opened, now)
    if output == "json":
        click.echo(to_text(tasks_json(rows, now)))
    else:
        show(tasks_lines(rows, now, invocation.table_width))
    return 0
