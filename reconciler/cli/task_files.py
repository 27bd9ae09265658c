"""The options of `run -f FILE` and `run --cmd`: words in, a run begins. Decides nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from reconciler.base.errors import WrongUsage
from reconciler.cli.options import Invocation
from reconciler.cli.voice import run_place, start

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option("-f", "--file", help="Task file in CONTEXT, instead of a task."),
    click.option("--cmd", help="One command (IMAGE WORDS...) in CONTEXT, instead of a task."),
    click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A value."),
    click.option(
        "--set-secret",
        "secrets",
        multiple=True,
        metavar="NAME[=env:X|=file:P]",
        help="A secret value; NAME alone is an environment variable.",
    ),
    click.option("--values", help="Values file in CONTEXT."),
    click.option("-r", "--registry", help="{{.Run.Registry}} of a task file: name or server."),
    click.option("--platform", help="What to run on, linux/amd64 unless given."),
    click.option(
        "--compat",
        type=click.Choice(["strict", "acb"]),
        help="acb: take a task file as ACR's own engine does.",
    ),
)
_OWN = ("secrets", "values", "registry", "platform", "compat")


def task_file_options(command: Command) -> Command:
    """Add the options to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def refuse_task_file_words(words: Mapping[str, Any]) -> None:
    """Raise WrongUsage for options that mean nothing for a task."""
    given = [name for name in _OWN if words[name]]
    if given:
        flag = "--set-secret" if given[0] == "secrets" else f"--{given[0]}"
        raise WrongUsage(f"{flag} goes with -f FILE or --cmd", hint="a task has its own values")


def refuse_task_words(words: Mapping[str, Any]) -> None:
    """Raise WrongUsage for options that change a task, where there is none."""
    flags = {"args": "--arg", "no_cache": "--no-cache"}
    given = [flags.get(name, f"--{name}") for name, value in words.items() if value]
    if given:
        raise WrongUsage(f"{given[0]} goes with a TASK", hint="a task file says how it builds")


def standard_input(file: str | None, source: str) -> bytes | None:
    """What comes by standard input if a run is to take its file from there."""
    if file != "-" or source.lower() != "/dev/null":
        return None
    return sys.stdin.buffer.read((1 << 20) + 1)


def run_file(
    invocation: Invocation, source: str, words: Mapping[str, Any], *, wait: bool = True
) -> int:
    """Run a task file or a command in a context."""
    from reconciler.operations.running.file_requests import FileWords, file_request  # noqa: PLC0415

    known = {name: value for name, value in words.items() if value is not None}
    given = standard_input(known.get("file"), source)
    wanted = FileWords(source, str(invocation.folder.resolve()), given=given, **known)
    with invocation.any_workspace() as opened:
        request = file_request(wanted, opened.workspace, opened.actor)
        return start(invocation, run_place(opened, invocation), request, wait=wait)
