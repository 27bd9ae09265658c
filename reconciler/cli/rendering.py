"""The commands render and deps: words in, lines out. They run nothing and decide nothing."""

from __future__ import annotations

import sys
from typing import Any

import click

from reconciler.cli.options import Invocation, output_option, pass_invocation, show

_compat = click.option(
    "--compat",
    type=click.Choice(["strict", "acb"]),
    default="strict",
    show_default=True,
    help="acb: accept, and answer, as ACR's own engine does.",
)


@click.command()
@click.argument("file", metavar="FILE")
@click.option("-r", "--registry", help="{{.Run.Registry}}: a registry's name or login server.")
@click.option("--run-id", default="r000000", show_default=True, help="{{.Run.ID}}.")
@click.option("--commit", default="", help="{{.Run.Commit}}.")
@click.option("--branch", default="", help="{{.Run.Branch}}.")
@click.option("--task-name", default="", help="{{.Run.TaskName}}.")
@click.option("--values", metavar="FILE", help="Values file.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A value.")
@click.option(
    "--set-secret",
    "secrets",
    multiple=True,
    metavar="NAME[=REFERENCE]",
    help="A secret value; it is not read.",
)
@click.option(
    "--env",
    "environment",
    multiple=True,
    metavar="NAME=VALUE",
    help="Variable of every step that does not set it.",
)
@click.option("--network", help="A network that exists, for steps that name none.")
@click.option("--docker-socket", is_flag=True, help="The spec of it says dockerSocket: true.")
@_compat
@output_option
@pass_invocation
def render(invocation: Invocation, /, *, file: str, compat: str, output: str, **words: Any) -> int:
    """Show what a task FILE (- is standard input) would run. Executes nothing.

    Needs no workspace, engine or network. Secrets read ***. Exit 1: it would be refused.
    """
    from reconciler.operations.rendering.render import STDIN, render_file  # noqa: PLC0415
    from reconciler.operations.rendering.render_words import RenderWords  # noqa: PLC0415
    from reconciler.taskfile.inputs import Manner  # noqa: PLC0415

    text = sys.stdin.buffer.read() if file == STDIN else None
    wanted = RenderWords(file, invocation.folder.resolve(), text, manner=Manner(compat), **words)
    rendered = render_file(wanted, invocation.clock())
    if output == "json":
        from reconciler.report.machine import to_text  # noqa: PLC0415
        from reconciler.report.render_json import render_json  # noqa: PLC0415

        click.echo(to_text(render_json(rendered)))
    else:
        from reconciler.report.render_text import render_lines  # noqa: PLC0415

        show(render_lines(rendered, invocation.width))
    return 1 if rendered.task.refused else 0


@click.command()
@click.argument("source", metavar="CONTEXT")
@click.option("-f", "--file", help="Dockerfile, in the context.  [default: Dockerfile]")
@click.option("-t", "--image", "images", multiple=True, help="Name of the image that is built.")
@click.option("--build-arg", "args", multiple=True, metavar="NAME=VALUE", help="Build argument.")
@click.option("--target", help="Stage to build.")
@click.option("--platform", default="linux/amd64", show_default=True, help="What to build for.")
@click.option("--build-platform", help="Where it is built, BUILDPLATFORM.  [default: as here]")
@_compat
@output_option
@pass_invocation
def deps(invocation: Invocation, /, *, source: str, compat: str, output: str, **words: Any) -> int:
    """Show the base images of a build of CONTEXT (a folder, or URL.git#ref:folder).

    Those of every stage, of COPY --from, RUN --mount and # syntax. JSON is a list as ACR's.
    """
    from reconciler.operations.rendering.deps import DepsWords, find_dependencies  # noqa: PLC0415
    from reconciler.report.deps import deps_json, deps_lines  # noqa: PLC0415
    from reconciler.taskfile.inputs import Manner  # noqa: PLC0415

    wanted = DepsWords(source, invocation.folder.resolve(), manner=Manner(compat), **words)
    found = find_dependencies(wanted)
    if output == "json":
        from reconciler.report.machine import to_text  # noqa: PLC0415

        click.echo(to_text(deps_json(found)))
    else:
        show(deps_lines(found, invocation.width))
    return 0
