"""The commands of the workflow: init, fmt, validate, plan, apply, drift, schema, version."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler import __version__
from reconciler.base.errors import WrongUsage
from reconciler.cli.options import Invocation, pass_invocation, show

if TYPE_CHECKING:
    from reconciler.operations.plan import Planned

_FORMATS = click.Choice(["text", "json"])
_output = click.option(
    "-o", "--output", type=_FORMATS, default="text", show_default=True, help="Format."
)
_heal = click.option("--heal", is_flag=True, help="Also undo what was changed live.")


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=".")
@pass_invocation
def init(invocation: Invocation, folder: Path) -> int:
    """Make a workspace in FOLDER: one task, its Dockerfile, the default policies."""
    from reconciler.operations.start import start_workspace  # noqa: PLC0415

    for name in start_workspace(invocation.folder / folder):
        click.echo(f"wrote {name}")
    click.echo("next: reconciler validate, reconciler plan")
    return 0


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a file would change.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@pass_invocation
def fmt(invocation: Invocation, paths: tuple[Path, ...], check: bool, diff: bool) -> int:
    """Lay out the YAML files of the workspace, or PATHS. Comments are kept."""
    from reconciler.base.diagnostics import Severity  # noqa: PLC0415
    from reconciler.loader.workspace import find_root  # noqa: PLC0415
    from reconciler.operations.layout import layouts, write_layout  # noqa: PLC0415
    from reconciler.report.human import diagnostic_lines  # noqa: PLC0415

    root = find_root(invocation.folder) or invocation.folder
    absolute = tuple(invocation.folder / path for path in paths)
    changed = failed = 0
    for layout in layouts(root, absolute):
        if layout.problem is not None:
            failed += layout.problem.severity is Severity.ERROR
            show(diagnostic_lines(layout.problem, invocation.width), error=True)
        elif layout.changed:
            changed += 1
            show(layout.diff() if diff else [layout.file])
            if not (check or diff):
                write_layout(root, layout)
    return 1 if failed or (check and changed) else 0


@click.command()
@_output
@click.option("--show-rendered", is_flag=True, help="Print what the templates gave.")
@pass_invocation
def validate(invocation: Invocation, output: str, show_rendered: bool) -> int:
    """Check specs and policies. Exit 1: a spec is wrong; 3: a mandatory rule fails."""
    from reconciler.operations.validate import validate as check  # noqa: PLC0415

    started = time.perf_counter()
    with invocation.workspace() as opened:
        result = check(opened, invocation.clock().date())
        rendered = dict(opened.files.rendered)
    if show_rendered:
        for file, text in rendered.items():
            click.echo(f"--- {file}\n{text.rstrip()}")
    if output == "json":
        from reconciler.report.machine import to_text, validation_json  # noqa: PLC0415

        click.echo(to_text(validation_json(result)))
    else:
        from reconciler.report.human import validation_lines  # noqa: PLC0415

        show(validation_lines(result, time.perf_counter() - started, invocation.width))
    return 1 if result.invalid else 3 if result.blocked else 0


@click.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Save the plan.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 for changes, 8 for drift only.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="Format.",
)
@_heal
@pass_invocation
def plan(
    invocation: Invocation,
    out: Path | None,
    detailed_exitcode: bool,
    output: str,
    heal: bool,
) -> int:
    """Compare the specs with what was applied and what is live. Writes nothing live."""
    from reconciler.operations.plan import make_plan, save_plan  # noqa: PLC0415

    started = time.perf_counter()
    with invocation.workspace() as opened:
        planned = make_plan(opened, heal=heal)
        if out is not None:
            save_plan(opened, planned.plan, invocation.folder / out)
    _print_plan(invocation, planned, output, time.perf_counter() - started)
    if out is not None and output == "text":
        until = planned.plan.expires.strftime("%d %b %H:%M UTC").lstrip("0")
        show([f"Saved to {out}; apply with: reconciler apply {out}", f"  (valid until {until})"])
    return _plan_exit(planned, detailed=detailed_exitcode)


def _print_plan(invocation: Invocation, planned: Planned, output: str, seconds: float) -> None:
    if output == "json":
        from reconciler.report.machine import plan_json, to_text  # noqa: PLC0415

        click.echo(to_text(plan_json(planned)))
    elif output == "markdown":
        from reconciler.report.markdown import plan_markdown  # noqa: PLC0415

        click.echo(plan_markdown(planned, invocation.clock()))
    else:
        from reconciler.report.plan_text import plan_lines  # noqa: PLC0415

        show(plan_lines(planned, seconds, invocation.width, invocation.clock()))


def _plan_exit(planned: Planned, *, detailed: bool) -> int:
    if planned.plan.policy.failures:
        return 3
    if not detailed:
        return 0
    return 2 if planned.plan.writes else 8 if planned.plan.drift else 0


@click.command()
@click.argument("plan_file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@_heal
@pass_invocation
def apply(
    invocation: Invocation,
    plan_file: Path | None,
    auto_approve: bool,
    heal: bool,
) -> int:
    """Apply PLAN_FILE exactly as it is; without one: plan, show, ask, apply."""
    from reconciler.operations.apply import apply_plan, locked  # noqa: PLC0415
    from reconciler.operations.plan import load_plan, make_plan  # noqa: PLC0415
    from reconciler.report.plan_text import (  # noqa: PLC0415
        applied_line,
        step_line,
        summary,
        taken_lines,
    )

    if plan_file is not None and heal:
        raise WrongUsage("a saved plan is applied as it is", hint="use --heal with plan --out")
    if plan_file is None and not auto_approve and not invocation.interactive:
        raise WrongUsage(
            "nobody can be asked here",
            hint="pass --auto-approve, or a plan file made by: reconciler plan --out FILE",
        )
    with invocation.workspace() as opened:
        if plan_file is not None:
            chosen = load_plan(opened, invocation.folder / plan_file)
            click.echo(summary(chosen))
        else:
            started = time.perf_counter()
            planned = make_plan(opened, heal=heal)
            _print_plan(invocation, planned, "text", time.perf_counter() - started)
            chosen = planned.plan
            if not _wanted(planned, auto_approve=auto_approve):
                return _declined(planned)
        with locked(opened, f"apply {chosen.id}") as (lock, taken):
            show(taken_lines(taken, invocation.width))
            done = apply_plan(opened, chosen, lock, lambda step: show([step_line(step)]))
    show([applied_line(done)])
    return 0


def _wanted(planned: Planned, *, auto_approve: bool) -> bool:
    if planned.plan.policy.failures:
        return False
    if auto_approve or not planned.plan.changes:
        return True
    return click.confirm("Apply this plan?", err=True)


def _declined(planned: Planned) -> int:
    if planned.plan.policy.failures:
        return 3
    click.echo("not applied")
    return 1


@click.command()
@_output
@pass_invocation
def drift(invocation: Invocation, output: str) -> int:
    """Show what was changed live since the last apply. Writes nothing. Exit 8: there is drift."""
    from reconciler.operations.plan import make_plan  # noqa: PLC0415

    with invocation.workspace() as opened:
        planned = make_plan(opened)
    if output == "json":
        from reconciler.report.machine import drift_json, to_text  # noqa: PLC0415

        click.echo(to_text(drift_json(planned.plan)))
    else:
        from reconciler.report.plan_text import drift_report  # noqa: PLC0415

        show(drift_report(planned.plan, invocation.width, invocation.clock()))
    return 8 if planned.plan.drift else 0


@click.command()
@click.argument("kind", required=False)
def schema(kind: str | None) -> int:
    """Print the JSON Schema of KIND, or of any document of specs/ and policies/."""
    from reconciler.operations.schema import KINDS, schema_of, schema_of_specs  # noqa: PLC0415
    from reconciler.report.machine import to_text  # noqa: PLC0415

    if kind is not None and kind.lower() not in KINDS:
        raise WrongUsage(f"unknown kind {kind!r}", hint=f"one of {', '.join(KINDS)}")
    click.echo(to_text(schema_of(kind.lower()) if kind else schema_of_specs()))
    return 0


@click.command()
@_output
def version(output: str) -> int:
    """Show the version."""
    if output == "json":
        from reconciler.report.machine import to_text  # noqa: PLC0415

        click.echo(to_text({"format_version": "1.0", "version": __version__}))
    else:
        click.echo(f"reconciler {__version__}")
    return 0
