"""The commands build, run and rerun: words in, a run begins. Decides nothing."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli.completion import complete_live_tasks
from reconciler.cli.options import Invocation, pass_invocation, show
from reconciler.cli.task_files import (
    refuse_task_file_words,
    refuse_task_words,
    run_file,
    standard_input,
    task_file_options,
)
from reconciler.cli.voice import exit_code, run_place, start

_DEFAULT_TIMEOUT = 3600
_no_push = click.option("--no-push", is_flag=True, help="Build and tag only.")
_no_wait = click.option("--no-wait", is_flag=True, help="Print the run's id and leave.")
_no_cache = click.option("--no-cache", is_flag=True, help="Build every step anew.")


@click.command()
@click.argument("source", metavar="CONTEXT")
@click.option("-r", "--registry", help="Where to push: a registry's name or login server.")
@click.option("-t", "--image", "images", multiple=True, help="Image name, may hold {{.Run.ID}}.")
@click.option("-f", "--file", default="Dockerfile", show_default=True, help="In the context.")
@click.option("--platform", default="linux/amd64", show_default=True, help="What to build for.")
@click.option("--build-arg", "args", multiple=True, metavar="NAME=VALUE", help="Build argument.")
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="NAME[=env:X|=file:P]",
    help="Secret mount; NAME alone is an environment variable.",
)
@click.option("--target", help="Stage to build.")
@_no_push
@_no_cache
@_no_wait
@click.option("--timeout", type=int, default=_DEFAULT_TIMEOUT, show_default=True, help="Seconds.")
@pass_invocation
def build(invocation: Invocation, /, no_push: bool, no_wait: bool, **words: Any) -> int:
    """Build an image from CONTEXT (a folder, or URL.git#ref:folder) and push it.

    Exit 4: the run failed.
    """
    from reconciler.operations.running.run_requests import BuildWords, build_request  # noqa: PLC0415

    with invocation.any_workspace() as opened:
        given = standard_input(words["file"], words["source"])
        folder = str(invocation.folder.resolve())
        wanted = BuildWords(**words, folder=folder, push=not no_push, given=given)
        request = build_request(wanted, opened.workspace, opened.actor)
        return start(invocation, run_place(opened, invocation), request, wait=not no_wait)


@click.command()
@click.argument("task", metavar="TASK|CONTEXT", shell_complete=complete_live_tasks)
@click.option("--context", help="Folder, or URL.git#ref:folder, instead of the task's own.")
@click.option("--arg", "args", multiple=True, metavar="NAME=VALUE", help="Build argument.")
@click.option("--target", help="Stage to build.")
@task_file_options
@_no_push
@_no_cache
@_no_wait
@click.option("--timeout", type=int, help="Seconds, instead of the task's own.")
@pass_invocation
def run(invocation: Invocation, /, task: str, no_push: bool, no_wait: bool, **words: Any) -> int:
    """Run an applied task now (its address, or its name), or a task file in CONTEXT with -f.

    With --context, --arg, --target, --set or --no-push the task is tried as its spec on disk has
    it, applied or not; what may be pushed must pass the policies (exit 3). Exit 4: the run failed.
    """
    own = {name: words.pop(name) for name in ("context", "args", "target", "no_cache")}
    if words["file"] is not None or words["cmd"] is not None:
        refuse_task_words(own)
        timeout = words["timeout"] or _DEFAULT_TIMEOUT
        wanted = {**words, "push": not no_push, "timeout": timeout}
        return run_file(invocation, task, wanted, wait=not no_wait)
    refuse_task_file_words(words)
    own |= {"timeout": words["timeout"], "settings": words["settings"]}
    push = False if no_push else None
    return _run_task(invocation, task, wait=not no_wait, push=push, **own)


def _run_task(invocation: Invocation, task: str, *, wait: bool, **words: Any) -> int:
    from reconciler.operations.running.run_overrides import TaskWords, on_disk  # noqa: PLC0415
    from reconciler.operations.running.run_requests import task_request  # noqa: PLC0415

    wanted = TaskWords(task, folder=str(invocation.folder.resolve()), **words)
    with invocation.workspace() as opened:
        place, declares = run_place(opened, invocation), on_disk(opened, wanted)
        request = task_request(wanted, opened.workspace, opened.provider, opened.actor, declares)
        return start(invocation, place, request, wait=wait)


@click.command()
@click.argument("run_id", metavar="RUN")
@_no_wait
@pass_invocation
def rerun(invocation: Invocation, run_id: str, no_wait: bool) -> int:
    """Do a run once more: same commit, same base images, same values. Exit 4: it failed.

    What cannot be the same is said.
    """
    from reconciler.operations.running.reruns import rerun_request  # noqa: PLC0415
    from reconciler.operations.running.runs import get_run  # noqa: PLC0415

    with invocation.any_workspace() as opened:
        place = run_place(opened, invocation)
        found = rerun_request(place, get_run(place, run_id))
        show([f"note: not pinned: {text}" for text in found.unpinned], error=True)
        return start(invocation, place, found.request, wait=not no_wait)


@click.command(hidden=True)
@click.argument("run_id", metavar="RUN")
@pass_invocation
def continue_run(invocation: Invocation, run_id: str) -> int:
    """Do a run that is queued in the state. The program calls itself so for --no-wait."""
    from reconciler.operations.running.detached import continue_run as go_on  # noqa: PLC0415
    from reconciler.operations.running.run_place import place_of  # noqa: PLC0415

    with invocation.any_workspace() as opened:
        return exit_code(go_on(place_of(opened), run_id))
