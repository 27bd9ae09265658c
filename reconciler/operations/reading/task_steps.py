"""The steps of a task file or of a spec, read before any run of them, as far as that is possible.

A task file is read where it lies in the workspace. What only a run knows stands in its names as a
word in braces; a file whose steps depend on that is not known before the run. Runs nothing.
"""

from __future__ import annotations

from typing import Any

from reconciler.base.diagnostics import Location
from reconciler.base.encoding import YamlError, decode
from reconciler.base.errors import ReconcilerError
from reconciler.base.source import Path, spell_path
from reconciler.base.text import one_line
from reconciler.model.context import ContextKind, context_kind
from reconciler.model.step import FileStep, FileTask, InlineStep, InlineTask
from reconciler.model.task import Task
from reconciler.operations.reading.before_run import RUN_WORDS, depends_on_run
from reconciler.operations.reading.gather import servers_of
from reconciler.operations.reading.local_builds import FETCHED
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.parts import Document
from reconciler.taskfile.faults import Fault
from reconciler.taskfile.file.inline import read_inline
from reconciler.taskfile.file.read import read_task_file
from reconciler.taskfile.file.values import UNREAD, read_values
from reconciler.taskfile.inputs import Inputs, Manner
from reconciler.taskfile.tasks import Step, TaskFile


class UnknownSteps(Exception):
    """Why the steps of a task are not known before its run."""


def steps_of(opened: OpenWorkspace, document: Document) -> tuple[Step, ...]:
    """The steps of a task that has no docker step. Raises UnknownSteps."""
    return read_steps(opened, Task.model_validate(document)).steps


def read_steps(opened: OpenWorkspace, task: Task) -> TaskFile:
    """The steps of a task that has no docker step, with their secrets. Raises UnknownSteps."""
    step = task.spec.step
    if isinstance(step, FileTask):
        return _steps_of_file(opened, task, step.file)
    if isinstance(step, InlineTask):
        return _inline_steps(opened, task, step.inline)
    raise UnknownSteps("it has no steps of its own")


def _steps_of_file(opened: OpenWorkspace, task: Task, step: FileStep) -> TaskFile:
    source = task.spec.context.source
    if context_kind(source) is not ContextKind.LOCAL:
        raise UnknownSteps(FETCHED)
    text = _text(opened, source, step.path)
    if depends_on_run(text):
        raise UnknownSteps("what it does depends on the run")
    values = {**_values(opened, source, step), **step.set}
    read = read_task_file(
        text,
        file=step.path,
        manner=Manner(task.spec.compat),
        inputs=_inputs(opened, task, step, values),
    )
    return _checked(read)


def _inline_steps(opened: OpenWorkspace, task: Task, step: InlineStep) -> TaskFile:
    document: dict[str, Any] = step.model_dump(mode="json", by_alias=True, exclude_none=True)
    if depends_on_run(str(document)):
        raise UnknownSteps("what it does depends on the run")

    def locate(path: Path) -> Location:
        return Location(spell_path(("spec", "step", "inline", *path)))

    inputs = _inputs(opened, task, step, {})
    return _checked(
        read_inline(document, locate=locate, manner=Manner(task.spec.compat), inputs=inputs)
    )


def _checked(read: TaskFile) -> TaskFile:
    if read.refused:
        first = next(item for item in read.diagnostics if item.severity == "error")
        raise UnknownSteps(f"it is wrong: {one_line(first.message, 120)}")
    return read


def _inputs(
    opened: OpenWorkspace, task: Task, step: FileStep | InlineStep, values: dict[str, Any]
) -> Inputs:
    registry = task.metadata.registry
    server = servers_of(opened).get(registry, registry)
    known = {"Registry": server, "RegistryName": "", "TaskName": task.metadata.name}
    system, _, architecture = task.spec.platform.partition("/")
    known |= {"OS": system, "Architecture": architecture.partition("/")[0]}
    source = task.spec.context.source

    def fetch(name: str) -> str:
        if context_kind(source) is not ContextKind.LOCAL:
            raise ReconcilerError(FETCHED)
        try:
            return _text(opened, source, name)
        except UnknownSteps as error:
            raise ReconcilerError(str(error)) from None

    return Inputs(
        run={**RUN_WORDS, **known},
        values=values,
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
        message = f"its values file is wrong: {one_line(fault.message, 120)}"
        raise UnknownSteps(message) from None


def _text(opened: OpenWorkspace, source: str, name: str) -> str:
    """The text of a file of a context in the workspace. Raises UnknownSteps."""
    root = opened.root.resolve()
    folder = (root / source).resolve()
    path = (folder / name).resolve()
    if not folder.is_relative_to(root) or not path.is_relative_to(folder):
        raise UnknownSteps("it lies outside of the workspace")
    try:
        return decode(opened.files.read(str(path.relative_to(root))))
    except YamlError as error:
        raise UnknownSteps(f"{one_line(name, 80)}: {error.message}") from None
