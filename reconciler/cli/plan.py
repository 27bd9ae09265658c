"""The command plan, and how a plan is made and shown. Decides nothing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.base.errors import WrongUsage
from reconciler.cli.applying import (
    Words,
    override_options,
    overrides_from,
)
from reconciler.cli.choosing import choice_from, choosing_options
from reconciler.cli.notes import NOTE_FORMATS, faults_noted, show_plan_notes
from reconciler.cli.options import Invocation, formats, pass_invocation, show

if TYPE_CHECKING:  # late: `--help` of one command must not import the plan and the database
    from reconciler.operations.planning.plan import Planned
    from reconciler.operations.workspace import OpenWorkspace

heal_option = click.option("--heal", is_flag=True, help="Also undo what was changed live.")
_levels = (
    click.option("--summary", is_flag=True, help="One line for each task."),
    click.option("--full", is_flag=True, help="Every field, whole values, who wrote them."),
)


@click.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Save the plan.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 for changes, 8 for drift only.")
@formats("text", "json", "markdown", *NOTE_FORMATS)
@_levels[0]
@_levels[1]
@heal_option
@choosing_options
@click.option(
    "--base",
    metavar="REF",
    help="Compare with the specs of a Git ref: no live state, no state database.",
)
@override_options
@pass_invocation
def plan(
    invocation: Invocation,
    /,
    *,
    out: Path | None,
    detailed_exitcode: bool,
    output: str,
    summary: bool,
    full: bool,
    heal: bool,
    base: str | None,
    **words: Any,
) -> int:
    """Compare the specs with what was applied and what is live. Writes nothing live.

    The formats github and azure are notes on the lines of a pull request, for the log of a step.
    """
    from reconciler.plan.guard import refuse_blocked  # noqa: PLC0415

    if out == Path("-"):
        raise WrongUsage(
            "a saved plan is a file that apply reads again: it is not written to standard output",
            hint="name a file; -o json prints the plan",
        )
    if (summary or full) and output != "text":
        raise WrongUsage(f"-o {output} has one level", hint="leave --summary and --full out")
    if summary and full:
        raise WrongUsage("--summary and --full exclude each other", hint="choose one of them")
    if base is not None and (out is not None or heal):
        raise WrongUsage(
            "a comparison with --base looks at nothing live, and cannot be saved or applied",
            hint="leave out --base, or --out and --heal",
        )
    started = time.perf_counter()
    with faults_noted(invocation, output), invocation.workspace() as opened:
        planned = plan_of(opened, words, base, heal=heal)
        if out is not None:
            from reconciler.operations.planning.saved import save_plan  # noqa: PLC0415

            save_plan(opened, planned.plan, invocation.folder / out)
    level = "summary" if summary else "full" if full else "default"
    print_plan(invocation, planned, output, time.perf_counter() - started, level)
    if out is not None and output == "text" and not planned.plan.blocked:
        until = planned.plan.expires.strftime("%d %b %H:%M UTC").lstrip("0")
        show([f"Saved to {out}; apply with: reconciler apply {out}", f"  (valid until {until})"])
    refuse_blocked(planned.plan.blocked)
    return _plan_exit(planned, detailed=detailed_exitcode)


def plan_of(opened: OpenWorkspace, words: Words, base: str | None, *, heal: bool) -> Planned:
    """The plan that the words of a command ask for."""
    overrides, choice = overrides_from(opened, words), choice_from(words)
    if base is not None:
        from reconciler.operations.planning.compare import compare_with  # noqa: PLC0415

        return compare_with(opened, base, overrides=overrides, choice=choice)
    from reconciler.operations.planning.plan import make_plan  # noqa: PLC0415

    return make_plan(opened, heal=heal, overrides=overrides, choice=choice)


def print_plan(
    invocation: Invocation, planned: Planned, output: str, seconds: float, level: str = "default"
) -> None:
    """Print a plan in a format; `level` is for text."""
    if output == "json":
        from reconciler.plan.planlines import in_chunks  # noqa: PLC0415
        from reconciler.report.machine import plan_json  # noqa: PLC0415

        for text in in_chunks(plan_json(planned)):
            click.echo(text, nl=False)
    elif output == "markdown":
        from reconciler.report.markdown import plan_markdown  # noqa: PLC0415

        click.echo(plan_markdown(planned, invocation.clock()))
    elif output in NOTE_FORMATS:
        show_plan_notes(invocation, planned, output)
    else:
        from reconciler.report.levels import Level  # noqa: PLC0415
        from reconciler.report.plan_text import plan_lines  # noqa: PLC0415

        show(plan_lines(planned, seconds, invocation.width, invocation.clock(), Level(level)))


def _plan_exit(planned: Planned, *, detailed: bool) -> int:
    if planned.plan.policy.failures:
        return 3
    if not detailed:
        return 0
    return 2 if planned.plan.writes else 8 if planned.plan.drift else 0
