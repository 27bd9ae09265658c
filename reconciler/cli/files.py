"""The commands that need files only: init, fmt, validate, schema, version."""

from __future__ import annotations

import time
from pathlib import Path

import click

from reconciler import __version__
from reconciler.base.errors import WrongUsage
from reconciler.cli.notes import NOTE_FORMATS, faults_noted, show_validation_notes
from reconciler.cli.options import (
    Invocation,
    formats,
    output_option,
    pass_invocation,
    show,
)


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=".")
@pass_invocation
def init(invocation: Invocation, folder: Path) -> int:
    """Make a workspace in FOLDER: one task, its Dockerfile, the default policies."""
    from reconciler.operations.authoring.start import start_workspace  # noqa: PLC0415

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
    from reconciler.operations.authoring.layout import layouts, write_layout  # noqa: PLC0415
    from reconciler.operations.workspace import root_of  # noqa: PLC0415
    from reconciler.report.human import diagnostic_lines  # noqa: PLC0415

    # Files that are named need no workspace.
    known = find_root(invocation.folder) or (invocation.folder if paths else None)
    root = known or root_of(invocation.folder)
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
@formats("text", "json", *NOTE_FORMATS)
@click.option("--show-rendered", is_flag=True, help="Print what the templates gave.")
@pass_invocation
def validate(invocation: Invocation, output: str, show_rendered: bool) -> int:
    """Check specs and policies. Exit 1: a spec is wrong; 3: a mandatory rule fails."""
    from reconciler.operations.planning.declared import validate_declared  # noqa: PLC0415

    started = time.perf_counter()
    with faults_noted(invocation, output), invocation.workspace() as opened:
        result = validate_declared(opened, invocation.clock().date())
        rendered = dict(opened.files.rendered)
    if show_rendered:
        for file, text in rendered.items():
            click.echo(f"--- {file}\n{text.rstrip()}")
    if output == "json":
        from reconciler.report.machine import to_text, validation_json  # noqa: PLC0415

        click.echo(to_text(validation_json(result)))
    elif output in NOTE_FORMATS:
        show_validation_notes(invocation, result, output)
    else:
        from reconciler.report.human import validation_lines  # noqa: PLC0415

        show(validation_lines(result, time.perf_counter() - started, invocation.width))
    return 1 if result.invalid else 3 if result.blocked else 0


@click.command()
@click.argument("kind", required=False)
def schema(kind: str | None) -> int:
    """Print the JSON Schema of KIND, or of any document of specs/ and policies/.

    `task-file` is the steps of a task, as ACR Tasks writes them.
    Of what is printed, `plan`, `drift`, `report`, `render`, `deps` and `doctor` have one.
    """
    from reconciler.operations.authoring.schema import KINDS, schema_of, schema_of_specs  # noqa: PLC0415
    from reconciler.report.machine import to_text  # noqa: PLC0415
    from reconciler.report.published import PUBLISHED, published_schema  # noqa: PLC0415

    wanted = None if kind is None else kind.lower()
    if wanted not in {None, *KINDS, *PUBLISHED}:
        known = ", ".join([*KINDS, *PUBLISHED])
        raise WrongUsage(f"unknown kind {kind!r}", hint=f"one of {known}")
    if wanted is None:
        content = schema_of_specs()
    else:
        content = published_schema(wanted) if wanted in PUBLISHED else schema_of(wanted)
    click.echo(to_text(content))
    return 0


@click.command()
@output_option
def version(output: str) -> int:
    """Show the version."""
    if output == "json":
        from reconciler.report.machine import to_text  # noqa: PLC0415

        click.echo(to_text({"format_version": "1.0", "version": __version__}))
    else:
        click.echo(f"reconciler {__version__}")
    return 0
