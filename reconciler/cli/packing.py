"""The command pack build: words in, a run begins. Decides nothing."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli.options import Invocation, pass_invocation
from reconciler.cli.voice import run_place, start


@click.group()
def pack() -> None:
    """Cloud Native Buildpacks: images without a Dockerfile."""


@pack.command("build")
@click.argument("source", metavar="CONTEXT")
@click.option("-b", "--builder", required=True, help="Image with lifecycle and buildpacks.")
@click.option(
    "-t",
    "--image",
    "images",
    multiple=True,
    required=True,
    help="Image name, may hold {{.Run.ID}}.",
)
@click.option("-r", "--registry", help="Where to push: a registry's name or login server.")
@click.option("--pull", is_flag=True, help="Ask the registry of the builder for its newest one.")
@click.option("--network", help="The engine's network for the build, such as host.")
@click.option("--platform", default="linux/amd64", show_default=True, help="What to build for.")
@click.option("--no-wait", is_flag=True, help="Print the run's id and leave.")
@click.option("--timeout", type=int, default=3600, show_default=True, help="Seconds.")
@pass_invocation
def pack_build(invocation: Invocation, /, no_wait: bool, **words: Any) -> int:
    """Build an image from CONTEXT with the lifecycle of a builder image, and push it.

    Exit 4: the run failed.
    """
    from reconciler.operations.running.pack_requests import PackWords, pack_request  # noqa: PLC0415

    with invocation.any_workspace() as opened:
        wanted = PackWords(**words, folder=str(invocation.folder.resolve()))
        request = pack_request(wanted, opened.workspace, opened.actor)
        return start(invocation, run_place(opened, invocation), request, wait=not no_wait)
