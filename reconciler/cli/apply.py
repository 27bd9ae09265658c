"""The command apply: words in, lines and exit codes out. Decides nothing."""

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
    write,
    write_plan,
    writing_options,
)
from reconciler.cli.choosing import chooses_anything, choosing_options
from reconciler.cli.options import Invocation, asked, pass_invocation, show
from reconciler.cli.plan import heal_option, plan_of, print_plan

if TYPE_CHECKING:  # late: `--help` of one command must not import the plan and the database
    from reconciler.operations.workspace import OpenWorkspace
    from reconciler.plan.change import Plan


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
@heal_option
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
    from reconciler.operations.planning.saved import load_plan  # noqa: PLC0415
    from reconciler.report.plan_text import made_line, summary  # noqa: PLC0415

    plan = load_plan(opened, invocation.folder / plan_file)
    for text in (summary(plan), made_line(plan, opened.clock())):
        show(wrap(text, invocation.width))
    return plan


def _shown(invocation: Invocation, opened: OpenWorkspace, words: Words, *, heal: bool) -> Plan:
    from reconciler.plan.guard import refuse_blocked  # noqa: PLC0415

    started = time.perf_counter()
    planned = plan_of(opened, words, None, heal=heal)
    print_plan(invocation, planned, "text", time.perf_counter() - started)
    refuse_blocked(planned.plan.blocked)
    return planned.plan


def _wanted(plan: Plan) -> bool:
    # A plan that policy blocks is not worth a question: apply says what blocks it.
    if plan.policy.failures or not plan.changes:
        return True
    return asked("Apply this plan?")


def _resume(invocation: Invocation, apply_id: str, words: Words) -> None:
    from reconciler.operations.applying.resume import resume  # noqa: PLC0415

    manner = manner_from(invocation, words)
    with invocation.workspace() as opened:
        write(invocation, opened, "resume", lambda lock: resume(opened, apply_id, lock, manner))
