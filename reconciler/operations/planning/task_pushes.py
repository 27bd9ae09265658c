"""What the task files of changed tasks push, as far as it is known before they run. Runs nothing.

A task file is read where it lies in the workspace. What only a run knows stands in its names as a
word in braces; a file whose steps depend on that is not known before the run.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from reconciler.base.encoding import YamlError, decode
from reconciler.base.errors import ReconcilerError
from reconciler.base.text import one_line
from reconciler.model.context import ContextKind, context_kind
from reconciler.model.step import FileStep
from reconciler.model.task import Task
from reconciler.operations.reading.before_run import RUN_WORDS, depends_on_run, in_braces
from reconciler.operations.reading.gather import servers_of
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.parts import Frozen
from reconciler.plan.releases import FilePushes
from reconciler.taskfile.faults import Fault
from reconciler.taskfile.file.read import read_task_file
from reconciler.taskfile.file.values import UNREAD, read_values
from reconciler.taskfile.inputs import Inputs, Manner
from reconciler.taskfile.tasks import PushStep


class _Unknown(Exception):
    """Why the pushes of a file are not known before the run."""


def pushes_of(opened: OpenWorkspace, frozen: Frozen) -> FilePushes:
    """What the task file of a task pushes, or why that is not known before its run."""
    task = Task.model_validate(frozen.read())
    step = task.spec.step.file  # type: ignore[union-attr]  # asked before
    try:
        return FilePushes(images=_images(opened, task, step))
    except _Unknown as error:
        return FilePushes(unknown=str(error), file=step.path, repositories=step.repositories)


def _images(opened: OpenWorkspace, task: Task, step: FileStep) -> dict[str, str]:
    """Image names, each with its place, file:line:column. Raises _Unknown."""
    source = task.spec.context.source
    if context_kind(source) is not ContextKind.LOCAL:
        raise _Unknown("its context is fetched by the run")
    text = _text(opened, source, step.path)
    if depends_on_run(text):
        raise _Unknown("what it does depends on the run")
    read = read_task_file(
        text,
        file=step.path,
        manner=Manner(task.spec.compat),
        inputs=_inputs(opened, task, step),
    )
    if read.refused:
        first = next(item for item in read.diagnostics if item.severity == "error")
        raise _Unknown(f"it is wrong: {one_line(first.message, 120)}")
    file = str(PurePosixPath(source) / step.path)
    return {
        in_braces(image): f"{file}:{one.line}:1"
        for one in reversed(read.steps)
        if isinstance(one, PushStep)
        for image in one.images
    }


def _inputs(opened: OpenWorkspace, task: Task, step: FileStep) -> Inputs:
    registry = task.metadata.registry
    server = servers_of(opened).get(registry, registry)
    known = {"Registry": server, "RegistryName": "", "TaskName": task.metadata.name}
    system, _, architecture = task.spec.platform.partition("/")
    known |= {"OS": system, "Architecture": architecture.partition("/")[0]}
    source = task.spec.context.source

    def fetch(name: str) -> str:
        try:
            return _text(opened, source, name)
        except _Unknown as error:
            raise ReconcilerError(str(error)) from None

    return Inputs(
        run={**RUN_WORDS, **known},
        values={**_values(opened, source, step), **step.set},
        secret_values=dict.fromkeys(step.set_secret, UNREAD),
        now=opened.clock(),
        fetch=fetch,
    )


def _values(opened: OpenWorkspace, source: str, step: FileStep) -> dict[str, Any]:
    if step.values is None:
        return {}
    try:
        return read_values(_text(opened, source, step.values))
    except Fault as fault:
        raise _Unknown(f"its values file is wrong: {one_line(fault.message, 120)}") from None


def _text(opened: OpenWorkspace, source: str, name: str) -> str:
    """The text of a file of a context in the workspace. Raises _Unknown."""
    root = opened.root.resolve()
    folder = (root / source).resolve()
    path = (folder / name).resolve()
    if not folder.is_relative_to(root) or not path.is_relative_to(folder):
        raise _Unknown("it lies outside of the workspace")
    try:
        return decode(opened.files.read(str(path.relative_to(root))))
    except YamlError as error:
        raise _Unknown(f"{one_line(name, 80)}: {error.message}") from None
