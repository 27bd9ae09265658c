"""The words of `render`, and what is wrong with them before any file is read. Reads nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.base.errors import WrongUsage
from reconciler.taskfile.inputs import Manner
from reconciler.taskfile.steps.resources import NETWORK_NAME
from reconciler.taskfile.template.vault import RESERVED

RUN_ID = "r000000"  # has the form of a run's id, and is none
_RUN_ID = re.compile(r"[a-z0-9]{1,40}")


@dataclass(frozen=True, slots=True)
class RenderWords:
    """The words as they were written. `folder` is where the person stands.

    `file` and `values` are relative to it; `text` is what standard input held for `-`. Of `secrets`
    only the names are looked at.
    """

    file: str
    folder: Path
    text: bytes | None = None
    registry: str | None = None
    run_id: str = RUN_ID
    commit: str = ""
    branch: str = ""
    task_name: str = ""
    values: str | None = None
    settings: Sequence[str] = ()
    secrets: Sequence[str] = ()
    environment: Sequence[str] = ()
    network: str | None = None
    docker_socket: bool = False
    manner: Manner = Manner.STRICT


def secret_names(words: Sequence[str]) -> tuple[str, ...]:
    """The names of `--set-secret`; what they refer to is not read. Raises WrongUsage."""
    if not words:
        return ()
    from reconciler.operations.running.file_requests import secrets_of  # noqa: PLC0415  (late)

    return tuple(secrets_of(words))


def check_words(words: RenderWords) -> None:
    """What a run would never have is a mistake in the command, not in the file.

    Raises WrongUsage.
    """
    _check_environment(words.environment)
    _check_network(words.network)
    if not _RUN_ID.fullmatch(words.run_id):
        raise WrongUsage("--run-id takes small letters and digits", hint="leave it out, or r000000")
    for flag, text in (
        ("--commit", words.commit),
        ("--branch", words.branch),
        ("--task-name", words.task_name),
        ("--registry", words.registry or ""),
    ):
        if not text.isprintable() or not RESERVED.isdisjoint(text):
            message = f"{flag} holds a character that cannot be shown: a line break, say"
            raise WrongUsage(message, hint=f"write {flag} on one line, in UTF-8")


def _check_network(name: str | None) -> None:
    if name is not None and not NETWORK_NAME.fullmatch(name):
        hint = 'a name holds letters, digits, ".", "_" and "-"'
        raise WrongUsage("--network takes the name of a network", hint=hint)


def _check_environment(words: Sequence[str]) -> None:
    """A word of `--env` that is no pair would be found in the file, where it does not stand."""
    if any(word.find("=") < 1 for word in words):
        raise WrongUsage("--env takes NAME=value")
