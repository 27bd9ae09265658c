"""The commands show, diff, graph and explain: words in, lines out. Decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.choosing import choice_from, chooses_anything, choosing_options
from reconciler.cli.completion import complete_live_tasks
from reconciler.cli.options import Invocation, formats, output_option, pass_invocation, show

if TYPE_CHECKING:  # late: `--help` must not import the plan
    from reconciler.operations.showing.graph import Graph
    from reconciler.operations.showing.rebuilds import Rebuilds


def _complete_fields(
    context: click.Context,
    parameter: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[str]:
    """Fields below what is typed so far."""
    from reconciler.base.errors import WrongUsage  # noqa: PLC0415
    from reconciler.operations.authoring.explain import explain_field  # noqa: PLC0415

    above, dot, last = incomplete.rpartition(".")
    try:
        keys = explain_field(above, context.params.get("kind") or "task").keys
    except WrongUsage:
        return []
    return [f"{above}{dot}{key}" for key, _ in keys if key.startswith(last)]


@click.command("show")
@click.argument("task", shell_complete=complete_live_tasks)
@formats("text", "json", "yaml")
@pass_invocation
def show_command(invocation: Invocation, task: str, output: str) -> int:
    """Show one TASK: live and last applied, by whom and when, its last runs and next timers."""
    from reconciler.operations.showing.show import show_task  # noqa: PLC0415
    from reconciler.report.machine import to_text  # noqa: PLC0415
    from reconciler.report.show_text import show_json, show_lines, show_yaml  # noqa: PLC0415

    now = invocation.clock()
    with invocation.workspace() as opened:
        shown = show_task(opened, task, now)
    if output == "json":
        click.echo(to_text(show_json(shown)))
    elif output == "yaml":
        click.echo(show_yaml(shown))
    else:
        show(show_lines(shown, now, invocation.width))
    return 0


@click.command()
@click.argument("first", metavar="REGISTRY_A")
@click.argument("second", metavar="REGISTRY_B")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 if they differ.")
@output_option
@pass_invocation
def diff(
    invocation: Invocation, /, *, first: str, second: str, detailed_exitcode: bool, output: str
) -> int:
    """Compare what is live in two registries, task by task. Reads no specs."""
    from reconciler.operations.showing.compare_live import compare_registries  # noqa: PLC0415
    from reconciler.report.machine import to_text  # noqa: PLC0415
    from reconciler.report.show_text import difference_json, difference_lines  # noqa: PLC0415

    with invocation.workspace() as opened:
        found = compare_registries(opened, first, second)
    if output == "json":
        click.echo(to_text(difference_json(found)))
    else:
        show(difference_lines(found, invocation.width))
    return 2 if detailed_exitcode and found.any else 0


@click.command()
@formats("mermaid", "dot", "json")
@click.option("--base", metavar="IMAGE", help="Draw what a push to IMAGE rebuilds, in waves.")
@choosing_options
@pass_invocation
def graph(invocation: Invocation, /, *, output: str, base: str | None, **words: Any) -> int:
    """Draw the declared tasks: what wakes them, their base images, who builds on whom.

    With --base the applied tasks that a push to an image rebuilds. Mermaid is what GitHub and
    GitLab draw in Markdown; DOT is for Graphviz.
    """
    from reconciler.operations.showing.graph import task_graph  # noqa: PLC0415
    from reconciler.report.graph import unread_lines  # noqa: PLC0415

    if base is not None:
        return _draw_rebuilds(invocation, base, output, words)
    with invocation.workspace() as opened:
        found = task_graph(opened, choice_from(words))
    _draw(found, output)
    show(unread_lines(found, invocation.width), error=True)
    return 0


def _draw_rebuilds(invocation: Invocation, base: str, output: str, words: dict[str, Any]) -> int:
    from reconciler.base.errors import WrongUsage  # noqa: PLC0415
    from reconciler.operations.showing.rebuilds import rebuilds_of  # noqa: PLC0415
    from reconciler.report.graph import rebuilds_lines  # noqa: PLC0415

    if chooses_anything(words):
        raise WrongUsage("--base draws every applied task that a push rebuilds; it stands alone")
    with invocation.workspace() as opened:
        found = rebuilds_of(opened, base)
    _draw(found.graph, output, found)
    show(rebuilds_lines(found), error=True)
    return 0


def _draw(found: Graph, output: str, rebuilds: Rebuilds | None = None) -> None:
    from reconciler.report.graph import graph_dot, graph_json, graph_mermaid  # noqa: PLC0415
    from reconciler.report.machine import to_text  # noqa: PLC0415

    if output == "json":
        click.echo(to_text(graph_json(found, rebuilds)))
    else:
        click.echo(graph_dot(found) if output == "dot" else graph_mermaid(found))


@click.command()
@click.argument("field", default="", shell_complete=_complete_fields)
@click.option(
    "--kind",
    type=click.Choice(["task", "workspace", "policy", "waiver", "defaults"]),
    default="task",
    show_default=True,
    help="Kind of document.",
)
@output_option
@pass_invocation
def explain(invocation: Invocation, /, *, field: str, kind: str, output: str) -> int:
    """Explain a FIELD such as spec.triggers.timers: meaning, type, default, what is allowed."""
    import dataclasses  # noqa: PLC0415

    from reconciler.operations.authoring.explain import explain_field  # noqa: PLC0415
    from reconciler.report.explain_text import explain_lines  # noqa: PLC0415
    from reconciler.report.machine import FORMAT_VERSION, to_text  # noqa: PLC0415

    found = explain_field(field, kind)
    if output == "json":
        click.echo(to_text({"format_version": FORMAT_VERSION, **dataclasses.asdict(found)}))
    else:
        show(explain_lines(found, invocation.width))
    return 0
