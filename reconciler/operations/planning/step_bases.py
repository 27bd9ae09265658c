"""The bases of tasks with several steps: those of every image that their build steps make.

As ACR has it, only builds are looked at: the image that a command runs in is a tool of the task,
not what its image comes from. An image that the same task builds is no base from outside.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from reconciler.model.context import ContextKind, context_kind
from reconciler.model.tracked import TaskBases, tracked_reference
from reconciler.operations.planning.build_bases import PLATFORM, Build, Found, together
from reconciler.operations.reading.local_builds import FETCHED
from reconciler.operations.reading.task_steps import UnknownSteps
from reconciler.plan.parts import Document
from reconciler.taskfile.steps.buildcontext import dockerfile_of
from reconciler.taskfile.steps.limits import is_fetched
from reconciler.taskfile.tasks import BuildStep

if TYPE_CHECKING:
    from reconciler.operations.planning.dockerfiles import BasesReader


def bases_of_steps(reader: BasesReader, document: Document) -> Found:
    """What the builds of a task take from, as far as it is known before it runs."""
    steps = reader.steps(document)
    if isinstance(steps, UnknownSteps):
        return Found(TaskBases(unknown=str(steps)))
    builds = [step for step in steps if isinstance(step, BuildStep)]
    found = together(_bases(reader, document, step) for step in builds)
    made = {_name(tag) for step in builds for tag in step.build.tags}
    images = tuple(one for one in found.bases.images if one.reference not in made)
    return Found(
        TaskBases(images=images, unknown=found.bases.unknown),
        tuple(name for name in found.written if _name(name) not in made),
        tuple(name for name in found.copied if _name(name) not in made),
    )


def _bases(reader: BasesReader, document: Document, step: BuildStep) -> Found:
    spec = document["spec"]
    source = spec["context"]["source"]
    if is_fetched(step.build.context):
        why = f'the context of step "{step.id}" is fetched by the run'
        return Found(TaskBases(unknown=why))
    if context_kind(source) is not ContextKind.LOCAL:
        return Found(TaskBases(unknown=FETCHED))
    environment = dict(step.env)
    given = ((name, environment.get(name, "") if value is None else value)
             for name, value in step.build.args)  # fmt: skip
    return reader.of_build(
        Build(
            posixpath.normpath(f"{source}/{dockerfile_of(step)}"),
            tuple(given),
            step.build.target,
            step.build.platform or spec.get("platform", PLATFORM),
        )
    )


def _name(text: str) -> str:
    """The one spelling of a name, or the text itself where it is none."""
    try:
        return tracked_reference(text)
    except ValueError:
        return text
