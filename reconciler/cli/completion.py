"""Completion in a shell, by click's own means: the script for a shell, and names of tasks."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from pathlib import Path

import click

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> int:
    """Print the script that completes commands, options and names of tasks in SHELL.

    bash: eval "$(reconciler completion bash)" in ~/.bashrc; zsh the same in ~/.zshrc; fish:
    reconciler completion fish > ~/.config/fish/completions/reconciler.fish
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415

    from reconciler.cli.main import cli  # noqa: PLC0415  (it imports this module, when asked)

    found = get_completion_class(shell)
    assert found is not None  # noqa: S101  (click has all three)
    # Not source(): for bash it starts bash to ask for its version.
    maker = found(cli, {}, "reconciler", "_RECONCILER_COMPLETE")
    click.echo(maker.source_template % maker.source_vars())
    return 0


def complete_live_tasks(
    context: click.Context,
    parameter: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[str]:
    """Addresses of live tasks, or their names, that start so. Never an error: it is a help."""
    with contextlib.suppress(Exception):
        root = context.find_root()
        folder = Path(root.params.get("directory") or Path.cwd())
        return _names(folder, incomplete)
    return []


def _names(folder: Path, incomplete: str) -> list[str]:
    from reconciler.operations.workspace import open_workspace  # noqa: PLC0415

    opened = open_workspace(folder, dict(os.environ))
    try:
        addresses = sorted(one.address for one in opened.provider.read_all())
    finally:
        opened.close()
    # A name that two registries have is no name of one task.
    counts = Counter(one.partition("/")[2] for one in addresses)
    once = [name for name, count in counts.items() if count == 1]
    return [one for one in (*once, *addresses) if one.startswith(incomplete)]
