"""`render`: what a task file would run, read on its own. Executes nothing; asks no engine."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from reconciler.base.diagnostics import Diagnostic, Location, Severity
from reconciler.base.encoding import YamlError, decode
from reconciler.base.errors import InvalidInput, ReconcilerError, WrongUsage
from reconciler.base.text import one_line
from reconciler.loader.files import WorkspaceFiles
from reconciler.loader.workspace import find_root, load_workspace
from reconciler.model.variables import run_date, shared_volume
from reconciler.model.workspace import Workspace
from reconciler.operations.registries import login_server_of
from reconciler.operations.task_values import settings_of
from reconciler.taskfile.faults import Fault
from reconciler.taskfile.file.read import read_task_file
from reconciler.taskfile.file.values import read_values
from reconciler.taskfile.inputs import Inputs, Manner
from reconciler.taskfile.tasks import BuildStep, TaskFile

STDIN = "-"
RUN_ID = "r000000"  # has the form of a run's id, and is none
_NO_REGISTRY = Diagnostic(
    "the file uses the registry of its run, and there is none here",
    severity=Severity.NOTE,
    fix="name one: --registry LOGIN-SERVER",
)


@dataclass(frozen=True, slots=True)
class RenderWords:
    """The words as they were written. `folder` is where the person stands.

    `file` and `values` are relative to it; `text` is what standard input held for `-`.
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
    environment: Sequence[str] = ()
    network: str | None = None
    manner: Manner = Manner.STRICT


@dataclass(frozen=True, slots=True)
class Rendered:
    """A task file that was read: its name, the values of `.Run` and what it says."""

    file: str
    run: Mapping[str, str]
    task: TaskFile


def render_file(words: RenderWords, now: datetime) -> Rendered:
    """What the file would run; what is wrong in it stands in the task's diagnostics.

    Raises InvalidInput for a file that cannot be read, WrongUsage.
    """
    run = _run_values(words, now)
    settings = settings_of(words.settings)
    _check_environment(words.environment)
    text = _task_text(words)
    name = "standard input" if words.file == STDIN else words.file
    try:
        values = _file_values(words) if words.values is not None else {}
    except InvalidInput as error:
        return Rendered(name, run, TaskFile(diagnostics=error.diagnostics))
    inputs = Inputs(
        run=run,
        values={**values, **settings},
        environment=tuple(words.environment),
        network=words.network,
        now=now,
        seed=words.run_id.encode(),  # rendered twice, it reads the same
        fetch=lambda source: _alias_source(source, words),
    )
    task = read_task_file(text, file=name, manner=words.manner, inputs=inputs)
    more = [_NO_REGISTRY] if "Registry" in text and not run["Registry"] else []
    more += _not_done_here(task, name)
    return Rendered(name, run, replace(task, diagnostics=(*task.diagnostics, *more)))


def _not_done_here(task: TaskFile, file: str) -> Iterator[Diagnostic]:
    """A warning for each build that ACR's engine would do and a run of ours would refuse."""
    builds = [step for step in task.steps if isinstance(step, BuildStep)]
    if not builds:
        return
    from reconciler.runner.buildstep import check_build  # noqa: PLC0415  (late: it costs 60 ms)
    from reconciler.runner.failure import Failure  # noqa: PLC0415

    for step in builds:
        try:
            check_build(step, task.masked)
        except Failure as failure:
            message = f"a run of this version refuses it: {failure.message}"
            yield Diagnostic(message, Location(file, step.line), Severity.WARNING)


def _run_values(words: RenderWords, now: datetime) -> dict[str, str]:
    """The values of `.Run`, as a run that a person starts now would have them."""
    return {
        "ID": words.run_id,
        "Registry": _login_server(words) or "",
        "Date": run_date(now),
        "Commit": words.commit,
        "Branch": words.branch,
        "TaskName": words.task_name,
        "OS": "linux",
        "Architecture": "amd64",
        "TriggeredBy": "Manual",
        "SharedVolume": shared_volume(words.run_id),
    }


def _login_server(words: RenderWords) -> str | None:
    """As for a run: the workspace's registries have names, its only one need not be named."""
    root = find_root(words.folder)
    if root is None:
        nothing = {"apiVersion": "reconciler/v1", "kind": "Workspace"}
        return login_server_of(words.registry, Workspace.model_validate(nothing), needed=False)
    return login_server_of(words.registry, load_workspace(WorkspaceFiles(root)).value, needed=False)


def _check_environment(words: Sequence[str]) -> None:
    """A word of `--env` that is no pair would be found in the file, where it does not stand."""
    if any(word.find("=") < 1 for word in words):
        raise WrongUsage("--env takes NAME=value")


# --------------------------------------------------------------------- files
def _task_text(words: RenderWords) -> str:
    """The text of the file. A byte order mark stays: ACR's engine trips over it."""
    if words.file == STDIN:
        data, name = words.text or b"", "standard input"
    else:
        data, name = _read(words.folder, words.file, "task file"), words.file
    try:
        text = decode(data)
    except YamlError as error:
        raise _unreadable(name, error) from None
    return "\ufeff" + text if data.startswith(codecs.BOM_UTF8) else text


def _file_values(words: RenderWords) -> dict[str, Any]:
    """The values file. Raises InvalidInput with the place in it."""
    file = words.values or ""
    try:
        text = decode(_read(words.folder, file, "values file"))
        return read_values(text, lenient=words.manner is Manner.ACB)
    except YamlError as error:
        raise _unreadable(file, error) from None
    except Fault as fault:
        place = Location(file, fault.line, fault.column)
        raise InvalidInput([Diagnostic(fault.message, place, fix=fault.fix)]) from None


def _alias_source(source: str, words: RenderWords) -> str:
    """The text of a source of aliases: from where the person stands, else beside the file.

    Raises ReconcilerError; nothing outside of these two folders is read, nothing is fetched.
    """
    if source.startswith(("http://", "https://")):
        raise ReconcilerError("aliases are read from files of the context, not from the network")
    beside = words.folder if words.file == STDIN else (words.folder / words.file).parent
    for folder in (words.folder, beside):
        path = Path(os.path.realpath(folder / source))
        if path.is_relative_to(os.path.realpath(folder)) and path.is_file():
            try:
                return WorkspaceFiles(folder).text(str(path))
            except YamlError as error:
                raise ReconcilerError(error.message, hint=error.fix) from None
    raise ReconcilerError(f"there is no such file in {one_line(str(words.folder))}")


def _read(folder: Path, file: str, what: str) -> bytes:
    if not (folder / file).exists():
        message = f"there is no {what} {one_line(file)}; looked at {one_line(str(folder / file))}"
        raise ReconcilerError(message)
    try:
        return WorkspaceFiles(folder).read(file)
    except YamlError as error:
        raise _unreadable(file, error) from None


def _unreadable(file: str, error: YamlError) -> InvalidInput:
    place = Location(file, error.line, error.column)
    return InvalidInput([Diagnostic(error.message, place, fix=error.fix)])
