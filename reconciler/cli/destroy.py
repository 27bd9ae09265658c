"""The command destroy: words in, lines and exit codes out. Decides nothing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.base.errors import WrongUsage
from reconciler.cli.applying import (
    Words,
    override_options,
    overrides_anything,
    overrides_from,
    write_plan,
    writing_options,
)
from reconciler.cli.options import Invocation, pass_invocation, show, typed

if TYPE_CHECKING:  # late: `--help` of one command must not import the plan and the database
    from reconciler.operations.workspace import OpenWorkspace
    from reconciler.plan.change import Plan


@click.command()
@click.argument("plan_file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--target", multiple=True, metavar="NAME", help="Only these tasks; * is any letters.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Save the plan, delete nothing."
)
@click.option(
    "--auto-approve", is_flag=True, allow_from_autoenv=False, help="Do not ask; see --confirm."
)
@click.option(
    "--confirm",
    metavar="REGISTRIES",
    allow_from_autoenv=False,
    help="With --auto-approve: the registries that lose tasks.",
)
@writing_options
@override_options
@pass_invocation
def destroy(
    invocation: Invocation,
    /,
    *,
    plan_file: Path | None,
    target: tuple[str, ...],
    out: Path | None,
    auto_approve: bool,
    confirm: str | None,
    **words: Any,
) -> int:
    """Delete all tasks that were applied here, or some. The specs stay, and are not read.

    You are asked to type the names of the registries that lose tasks. PLAN_FILE is one that
    `destroy --out` saved.
    """
    if plan_file is not None and (target or out or overrides_anything(words)):
        raise WrongUsage("a saved plan is destroyed as it is", hint="use it with destroy --out")
    if out == Path("-"):
        raise WrongUsage("a saved plan is a file that destroy reads again", hint="name a file")
    if auto_approve != (confirm is not None):
        raise WrongUsage(
            "--auto-approve and --confirm belong together",
            hint="name the registries that lose tasks: --auto-approve --confirm REGISTRIES",
        )
    with invocation.workspace() as opened:
        if plan_file is not None:
            chosen = _saved(opened, invocation.folder / plan_file)
            return _destroy(invocation, opened, chosen, confirm, words)
        chosen = _shown(invocation, opened, target, words)
        if out is None:
            return _destroy(invocation, opened, chosen, confirm, words)
        _save(invocation, opened, chosen, out)
    return 0


def _saved(opened: OpenWorkspace, path: Path) -> Plan:
    from reconciler.operations.planning.saved import load_plan  # noqa: PLC0415

    return load_plan(opened, path, "destroy")


def _shown(
    invocation: Invocation, opened: OpenWorkspace, targets: tuple[str, ...], words: Words
) -> Plan:
    from reconciler.operations.planning.destroy import make_destroy_plan  # noqa: PLC0415
    from reconciler.plan.guard import refuse_blocked  # noqa: PLC0415
    from reconciler.report.plan_text import plan_lines  # noqa: PLC0415

    started = time.perf_counter()
    planned = make_destroy_plan(opened, targets, overrides_from(opened, words))
    seconds = time.perf_counter() - started
    show(plan_lines(planned, seconds, invocation.width, invocation.clock()))
    refuse_blocked(planned.plan.blocked)
    return planned.plan


def _save(invocation: Invocation, opened: OpenWorkspace, plan: Plan, out: Path) -> None:
    from reconciler.operations.planning.saved import save_plan  # noqa: PLC0415

    save_plan(opened, plan, invocation.folder / out)
    show([f"Saved to {out}; destroy with: reconciler destroy {out}"])


def _destroy(
    invocation: Invocation, opened: OpenWorkspace, plan: Plan, confirm: str | None, words: Words
) -> int:
    from reconciler.base.text import plural  # noqa: PLC0415
    from reconciler.operations.planning.destroy import refuse_other_words, words_for  # noqa: PLC0415

    if plan.changes:
        wanted = words_for(plan)
        if confirm is None and not invocation.interactive:
            raise WrongUsage(
                "nobody can be asked here",
                hint="pass --auto-approve --confirm REGISTRIES, or --out",
            )
        if confirm is None:
            count = plural(len(plan.changes), "task")
            confirm = typed(f"Type {wanted} to destroy {count}")
        refuse_other_words(plan, confirm)
    write_plan(invocation, opened, plan, words)
    return 0
