"""`render`: what a task file would run, read on its own. Executes nothing; asks no engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.base.diagnostics import Diagnostic, Location, Severity
from reconciler.base.errors import InvalidInput
from reconciler.loader.files import WorkspaceFiles
from reconciler.loader.workspace import find_root, load_workspace
from reconciler.model.variables import run_date, shared_volume
from reconciler.model.workspace import Workspace
from reconciler.operations.rendering.render_words import RenderWords, check_words, secret_names
from reconciler.operations.rendering.task_sources import alias_source, file_values, task_text
from reconciler.operations.running.registries import login_server_of
from reconciler.operations.running.task_values import settings_of
from reconciler.taskfile.file.read import read_task_file
from reconciler.taskfile.file.values import UNREAD
from reconciler.taskfile.findings import CODE
from reconciler.taskfile.inputs import Inputs, Manner
from reconciler.taskfile.steps.limits import Limit, file_limits
from reconciler.taskfile.tasks import BuildStep, CmdStep, Step, TaskFile

STDIN = "-"
_NO_REGISTRY = Diagnostic(
    "the file uses the registry of its run, and there is none here",
    severity=Severity.NOTE,
    fix="name one: --registry LOGIN-SERVER",
)


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
    check_words(words)
    run = _run_values(words, now)
    settings = settings_of(words.settings, words.manner, "write --set NAME=value")
    name = "standard input" if words.file == STDIN else words.file
    try:
        text = task_text(words.folder, name, words.text)
        values = file_values(words.folder, words.values, words.manner) if words.values else {}
    except InvalidInput as error:
        return Rendered(name, run, TaskFile(diagnostics=error.diagnostics))
    inputs = Inputs(
        run=run,
        values={**values, **settings},
        secret_values=dict.fromkeys(secret_names(words.secrets), UNREAD),
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
        for limit in _limits(step, words):
            message = f'step "{step.id}" {limit.message}'
            place = Location(file, step.line)
            yield Diagnostic(message, place, severity, CODE, limit.found, fix=limit.fix)


def _limits(step: Step, words: RenderWords) -> Iterator[Limit]:
    if isinstance(step, CmdStep):
        yield from file_limits(step, docker_socket=words.docker_socket)
    elif isinstance(step, BuildStep) and step.build.context.startswith("http://"):
        yield from _plain_limits(step, words)


def _plain_limits(step: BuildStep, words: RenderWords) -> Iterator[Limit]:
    """A context by plain http is fetched only from a host that the workspace says it of."""
    root = find_root(words.folder)
    hosts = load_workspace(WorkspaceFiles(root)).value.hosts if root is not None else {}
    parts = urlsplit(step.build.context)
    names = {parts.netloc.lower(), (parts.hostname or "").lower()}
    if not any(host.insecure for name, host in hosts.items() if name.lower() in names):
        fix = "write https://, or declare the host in reconciler.yaml with insecure: true"
        yield Limit(
            "is fetched by plain http, which anybody on the way can change", parts.netloc, fix
        )


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
