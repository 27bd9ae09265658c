"""`render`: what a task file would run, read on its own. Executes nothing; asks no engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from reconciler.base.diagnostics import Diagnostic, Location, Severity
from reconciler.base.errors import InvalidInput, WrongUsage
from reconciler.loader.files import WorkspaceFiles
from reconciler.loader.workspace import find_root, load_workspace
from reconciler.model.variables import run_date, shared_volume
from reconciler.model.workspace import Workspace
from reconciler.operations.rendering.task_sources import alias_source, file_values, task_text
from reconciler.operations.running.registries import login_server_of
from reconciler.operations.running.task_values import settings_of
from reconciler.taskfile.file.read import read_task_file
from reconciler.taskfile.findings import CODE
from reconciler.taskfile.inputs import Inputs, Manner
from reconciler.taskfile.steps.limits import file_limits
from reconciler.taskfile.steps.resources import NETWORK_NAME
from reconciler.taskfile.tasks import CmdStep, TaskFile

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
    docker_socket: bool = False
    manner: Manner = Manner.STRICT


@dataclass(frozen=True, slots=True)
class Rendered:
    """A task file that was read: its name, the values of `.Run` and what it says."""

    file: str
    run: Mapping[str, str]
    task: TaskFile


def render_file(words: RenderWords, now: datetime) -> Rendered:
    """What the file would run; what is wrong in it stands in the task's diagnostics.

    Raises ReconcilerError for a file that is not there, WrongUsage.
    """
    run = _run_values(words, now)
    settings = settings_of(words.settings, words.manner, "write --set NAME=value")
    _check_environment(words.environment)
    _check_network(words.network)
    name = "standard input" if words.file == STDIN else words.file
    try:
        text = task_text(words.folder, name, words.text)
        values = file_values(words.folder, words.values, words.manner) if words.values else {}
    except InvalidInput as error:
        return Rendered(name, run, TaskFile(diagnostics=error.diagnostics))
    inputs = Inputs(
        run=run,
        values={**values, **settings},
        environment=tuple(words.environment),
        network=words.network,
        now=now,
        seed=words.run_id.encode(),  # rendered twice, it reads the same
        fetch=lambda source: alias_source(source, _folders(words)),
    )
    task = read_task_file(text, file=name, manner=words.manner, inputs=inputs)
    more = [_NO_REGISTRY] if "Registry" in text and not run["Registry"] else []
    more += _not_allowed_here(task, words, name)
    return Rendered(name, run, replace(task, diagnostics=(*task.diagnostics, *more)))


def _not_allowed_here(task: TaskFile, words: RenderWords, file: str) -> Iterator[Diagnostic]:
    """What a run of a file refuses unless its spec allows it."""
    severity = Severity.ERROR if words.manner is Manner.STRICT else Severity.WARNING
    for step in task.steps:
        if isinstance(step, CmdStep):
            for limit in file_limits(step, docker_socket=words.docker_socket):
                message = f'step "{step.id}" {limit.message}'
                place = Location(file, step.line)
                yield Diagnostic(message, place, severity, CODE, limit.found, fix=limit.fix)


def _folders(words: RenderWords) -> tuple[Path, ...]:
    """Where sources of aliases are looked for: where the person stands, then beside the file."""
    beside = () if words.file == STDIN else ((words.folder / words.file).parent,)
    return (words.folder, *beside)


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


def _check_network(name: str | None) -> None:
    if name is not None and not NETWORK_NAME.fullmatch(name):
        hint = 'a name holds letters, digits, ".", "_" and "-"'
        raise WrongUsage("--network takes the name of a network", hint=hint)


def _check_environment(words: Sequence[str]) -> None:
    """A word of `--env` that is no pair would be found in the file, where it does not stand."""
    if any(word.find("=") < 1 for word in words):
        raise WrongUsage("--env takes NAME=value")
