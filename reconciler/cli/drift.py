"""The command drift: words in, lines and exit codes out. Decides nothing."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli.choosing import choice_from, choosing_options
from reconciler.cli.options import Invocation, output_option, pass_invocation, show


@click.command()
@output_option
@choosing_options
@pass_invocation
def drift(invocation: Invocation, /, *, output: str, **words: Any) -> int:
    """Show what was changed live since the last apply. Writes nothing. Exit 8: there is drift."""
    from reconciler.operations.planning.plan import make_plan  # noqa: PLC0415

    with invocation.workspace() as opened:
        planned = make_plan(opened, guarded=False, choice=choice_from(words))
    if output == "json":
        from reconciler.report.machine import drift_json, to_text  # noqa: PLC0415

        click.echo(to_text(drift_json(planned)))
    else:
        from reconciler.report.drift_text import drift_report  # noqa: PLC0415

        show(drift_report(planned, invocation.width, invocation.clock()))
    return 8 if planned.plan.drift else 0
