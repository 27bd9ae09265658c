"""From the words of `run -f` and `run --cmd` to a run request. Runs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import ValidationError

from reconciler.base.errors import WrongUsage
from reconciler.model.step import DockerStep, FileStep, InlineStep
from reconciler.model.workspace import Workspace
from reconciler.operations.running.only_file import only_file
from reconciler.operations.running.registries import login_server_of
from reconciler.operations.running.run_overrides import checked_location
from reconciler.operations.running.run_requests import (
    check_timeout,
    new_run_id,
    platform_of,
    secret_reference,
)
from reconciler.operations.running.task_values import settings_of
from reconciler.runner.multistep import MultiStep
from reconciler.runner.request import RunRequest
from reconciler.taskfile.inputs import Manner


@dataclass(frozen=True, slots=True)
class FileWords:
    """The words as they were written: a task file or one command, in a context.

    `folder` is where the person stands; files are relative to the context.
    """

    source: str
    folder: str = "."
    file: str | None = None
    cmd: str | None = None
    settings: Sequence[str] = ()
    secrets: Sequence[str] = ()
    values: str | None = None
    registry: str | None = None
    platform: str = "linux/amd64"
    push: bool = True
    timeout: int = 3600
    compat: Literal["strict", "acb"] = "strict"
    given: bytes | None = None  # by standard input


def file_request(words: FileWords, workspace: Workspace, actor: str) -> RunRequest:
    """The request of a run of a task file. Raises WrongUsage."""
    source, text = checked_location(words.source), None
    if words.file is not None and words.cmd is None:
        file = only_file(source, words.file, words.folder, words.given)
        words, text = replace(words, file=file.name), file.text
    return RunRequest(
        id=new_run_id(),
        actor=actor,
        source=source,
        folder=words.folder,
        step=DockerStep(push=False),
        multi=_multi_step(words),
        text=text,
        login_server=login_server_of(words.registry, workspace, needed=False),
        platform=platform_of(words.platform),
        timeout=check_timeout(words.timeout),
    )


def _multi_step(words: FileWords) -> MultiStep:
    if (words.file is None) == (words.cmd is None):
        raise WrongUsage("a task file (-f) or a command (--cmd) is run, one of the two")
    # Only the text of a file can get steps from a value.
    manner = Manner(words.compat) if words.file is not None else Manner.ACB
    values = {"set": settings_of(words.settings, manner), "setSecret": secrets_of(words.secrets)}
    try:
        if words.file is not None:
            fields: dict[str, Any] = {"path": words.file, "values": words.values, **values}
            step = FileStep.model_validate(fields)
            return MultiStep(file=step, push=words.push, compat=words.compat)
        if words.values is not None:
            raise WrongUsage("--values belongs to a task file", hint="use --set with --cmd")
        steps = [{"cmd": words.cmd}]
        inline = InlineStep.model_validate({"steps": steps, **values})
        return MultiStep(inline=inline, push=words.push, compat=words.compat)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        raise WrongUsage(f"{'.'.join(map(str, first['loc'])) or 'run'}: {first['msg']}") from None


def secrets_of(words: Sequence[str]) -> dict[str, str]:
    """References of `--set-secret` words. Raises WrongUsage, which repeats no text."""
    try:
        return dict(map(secret_reference, words))
    except WrongUsage as error:
        message = error.message.replace("--secret", "--set-secret")
        raise WrongUsage(message, hint=error.hint) from None
