"""The commands plan, apply and drift: words in, lines and exit codes out. Decides nothing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.base.errors import WrongUsage
from reconciler.cli.applying import (
    Words,
    manner_from,
    override_options,
    overrides_anything,
    overrides_from,
    write,
    write_plan,
    writing_options,
)
from reconciler.cli.choosing import choice_from, chooses_anything, choosing_options
from reconciler.cli.notes import NOTE_FORMATS, faults_noted, show_plan_notes
from reconciler.cli.options import Invocation, asked, formats, output_option, pass_invocation, show

if TYPE_CHECKING:  # late: `--help` of one command must not import the plan and the database
    from reconciler.operations.plan import Planned
    from reconciler.operations.workspace import OpenWorkspace
    from reconciler.plan.change import Plan

_heal = click.option("--heal", is_flag=True, help="Also undo what was changed live.")
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
@_heal
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
    from reconciler.operations.saved import save_plan  # noqa: PLC0415

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
        planned = _planned(opened, words, base, heal=heal)
        if out is not None:
            save_plan(opened, planned.plan, invocation.folder / out)
    level = "summary" if summary else "full" if full else "default"
    _print_plan(invocation, planned, output, time.perf_counter() - started, level)
    if out is not None and output == "text":
        until = planned.plan.expires.strftime("%d %b %H:%M UTC").lstrip("0")
        show([f"Saved to {out}; apply with: reconciler apply {out}", f"  (valid until {until})"])
    return _plan_exit(planned, detailed=detailed_exitcode)


def _planned(opened: OpenWorkspace, words: Words, base: str | None, *, heal: bool) -> Planned:
    overrides, choice = overrides_from(opened, words), choice_from(words)
    if base is not None:
        from reconciler.operations.compare import compare_with  # noqa: PLC0415

        return compare_with(opened, base, overrides=overrides, choice=choice)
    from reconciler.operations.plan import make_plan  # noqa: PLC0415

    return make_plan(opened, heal=heal, overrides=overrides, choice=choice)


def _print_plan(
    invocation: Invocation, planned: Planned, output: str, seconds: float, level: str = "default"
) -> None:
    if output == "json":
        from reconciler.report.machine import plan_json, to_text  # noqa: PLC0415

        click.echo(to_text(plan_json(planned)))
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


@click.command()
@click.argument("plan_file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@writing_options
@click.option(
    "--resume",
    is_flag=False,
    flag_value="",
    metavar="[ID]",
    help="Finish the last apply, which was interrupted: no new plan.",
)
@_heal
@choosing_options
@override_options
@pass_invocation
def apply(
    invocation: Invocation,
    /,
    plan_file: Path | None,
    auto_approve: bool,
    resume: str | None,
    heal: bool,
    **words: Any,
) -> int:
    """Apply PLAN_FILE exactly as it is; without one: plan, show, ask, apply."""
    if resume is not None:
        if plan_file is not None or heal or overrides_anything(words) or chooses_anything(words):
            raise WrongUsage("an apply is resumed as it was", hint="use --resume [ID] alone")
        _resume(invocation, resume, words)
        return 0
    if plan_file is not None and (heal or overrides_anything(words) or chooses_anything(words)):
        raise WrongUsage("a saved plan is applied as it is", hint="use it with plan --out")
    if plan_file is None and not auto_approve and not invocation.interactive:
        raise WrongUsage(
            "nobody can be asked here",
            hint="pass --auto-approve, or a plan file made by: reconciler plan --out FILE",
        )
    with invocation.workspace() as opened:
        if plan_file is not None:
            chosen = _saved(invocation, opened, plan_file)
        else:
            chosen = _shown(invocation, opened, words, heal=heal)
            if not (auto_approve or _wanted(chosen)):
                click.echo("not applied")
                return 1
        write_plan(invocation, opened, chosen, words)
    return 0


def _saved(invocation: Invocation, opened: OpenWorkspace, plan_file: Path) -> Plan:
    from reconciler.base.text import wrap  # noqa: PLC0415
    from reconciler.operations.saved import load_plan  # noqa: PLC0415
    from reconciler.report.plan_text import summary  # noqa: PLC0415

    plan = load_plan(opened, invocation.folder / plan_file)
    show(wrap(summary(plan), invocation.width))
    return plan


def _shown(invocation: Invocation, opened: OpenWorkspace, words: Words, *, heal: bool) -> Plan:
    started = time.perf_counter()
    planned = _planned(opened, words, None, heal=heal)
    _print_plan(invocation, planned, "text", time.perf_counter() - started)
    return planned.plan


def _wanted(plan: Plan) -> bool:
    # A plan that policy blocks is not worth a question: apply says what blocks it.
    if plan.policy.failures or not plan.changes:
        return True
    return asked("Apply this plan?")


def _resume(invocation: Invocation, apply_id: str, words: Words) -> None:
    from reconciler.operations.resume import resume  # noqa: PLC0415

    manner = manner_from(invocation, words)
    with invocation.workspace() as opened:
        write(invocation, opened, "resume", lambda lock: resume(opened, apply_id, lock, manner))


@click.command()
@output_option
@choosing_options
@pass_invocation
def drift(invocation: Invocation, /, *, output: str, **words: Any) -> int:
    """Show what was changed live since the last apply. Writes nothing. Exit 8: there is drift."""
    from reconciler.operations.plan import make_plan  # noqa: PLC0415

    with invocation.workspace() as opened:
        planned = make_plan(opened, guarded=False, choice=choice_from(words))
    if output == "json":
        from reconciler.report.machine import drift_json, to_text  # noqa: PLC0415

        click.echo(to_text(drift_json(planned)))
    else:
        from reconciler.report.drift_text import drift_report  # noqa: PLC0415

        show(drift_report(planned, invocation.width, invocation.clock()))
    return 8 if planned.plan.drift else 0
