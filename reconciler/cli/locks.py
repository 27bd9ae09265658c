"""The commands lock list and lock break: words in, lines and exit codes out. Decides nothing."""

from __future__ import annotations

import click

from reconciler.cli.options import Invocation, output_option, pass_invocation, show


@click.group()
def lock() -> None:
    """Who is applying, and taking the lock from one who is gone."""


@lock.command("list")
@output_option
@pass_invocation
def list_(invocation: Invocation, output: str) -> int:
    """Show who holds the lock: process, since when, last heartbeat, end, and what for."""
    from reconciler.operations.applying.locks import list_locks  # noqa: PLC0415
    from reconciler.report.locks import locks_json, locks_lines  # noqa: PLC0415
    from reconciler.report.machine import to_text  # noqa: PLC0415

    with invocation.workspace() as opened:
        found = list_locks(opened)
    if output == "json":
        click.echo(to_text(locks_json(found)))
    else:
        show(locks_lines(found, invocation.clock(), invocation.width))
    return 0


@lock.command("break")
@click.option("--reason", required=True, help="Why; it is kept with your name.")
@click.option("--force", is_flag=True, help="Although its holder is alive.")
@pass_invocation
def break_(invocation: Invocation, reason: str, force: bool) -> int:
    """Take the lock away. Exit 5: its holder is alive (see --force)."""
    from reconciler.operations.applying.locks import break_lock  # noqa: PLC0415
    from reconciler.report.locks import break_lines  # noqa: PLC0415

    with invocation.workspace() as opened:
        row = break_lock(opened, reason, force=force)
    show(break_lines(row, invocation.width))
    return 0
