"""The command doctor: words in, lines out. Decides nothing."""

from __future__ import annotations

import click

from reconciler.cli.options import Invocation, output_option, pass_invocation, show


@click.command()
@output_option
@pass_invocation
def doctor(invocation: Invocation, output: str) -> int:
    """Show what works here: engines, platforms, registries, Git, secrets, tokens, state.

    Exit 1 if something is missing that the workspace declares. What its engines can do is recorded
    for validate and plan. Nothing that hangs is waited for longer than 12 seconds.
    """
    from reconciler.loader.workspace import find_root  # noqa: PLC0415
    from reconciler.operations.doctoring.doctor import diagnose  # noqa: PLC0415
    from reconciler.report.doctor import doctor_json, doctor_lines  # noqa: PLC0415
    from reconciler.report.machine import to_text  # noqa: PLC0415

    inside = find_root(invocation.folder) is not None
    with invocation.any_workspace() as opened:
        found = diagnose(opened, inside=inside)
    if output == "json":
        click.echo(to_text(doctor_json(found)))
    else:
        show(doctor_lines(found, invocation.width))
    return 1 if found.lacking else 0
