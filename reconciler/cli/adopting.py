"""The command import: words in, lines and exit codes out. Decides nothing."""

from __future__ import annotations

import click

from reconciler.base.errors import WrongUsage
from reconciler.cli.completion import complete_live_tasks
from reconciler.cli.options import Invocation, output_option, pass_invocation, show


@click.command("import")
@click.argument("task", nargs=-1, shell_complete=complete_live_tasks)
@click.option("--all", "everything", is_flag=True, help="Every live task that no spec declares.")
@click.option("-r", "--registry", metavar="NAME", help="With --all: of this registry only.")
@click.option(
    "--force",
    is_flag=True,
    allow_from_autoenv=False,
    help="Overwrite a file that declares no other task.",
)
@click.option(
    "--allow-plain-secrets",
    is_flag=True,
    allow_from_autoenv=False,
    help="Write plain values that look like secrets, marked TODO.",
)
@output_option
@pass_invocation
def import_command(
    invocation: Invocation,
    /,
    *,
    task: tuple[str, ...],
    everything: bool,
    registry: str | None,
    force: bool,
    allow_plain_secrets: bool,
    output: str,
) -> int:
    """Write spec files for live TASKs that no spec declares: specs/REGISTRY/NAME.yaml.

    A plan changes nothing afterwards. References to secrets are marked TODO; a task that holds
    secrets as plain values is refused. Exit 1: a task could not be imported.
    """
    from reconciler.operations.importing.adopt import import_tasks  # noqa: PLC0415
    from reconciler.report.import_text import (  # noqa: PLC0415
        import_json,
        import_lines,
        refused_lines,
    )

    if bool(task) == everything or (registry is not None and not everything):
        raise WrongUsage(
            "import takes names of live tasks, or --all, or --all --registry NAME",
            hint="reconciler tasks lists what is live",
        )
    with invocation.workspace() as opened:
        result = import_tasks(
            opened, task, registry=registry, force=force, plain_secrets=allow_plain_secrets
        )
    if output == "json":
        from reconciler.report.machine import to_text  # noqa: PLC0415

        click.echo(to_text(import_json(result)))
    else:
        show(import_lines(result, invocation.width))
    show(refused_lines(result, invocation.width), error=True)
    return 1 if result.refused else 0
