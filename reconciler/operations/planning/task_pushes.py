"""What task files push, as far as it is known before they run. Runs nothing."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from reconciler.operations.reading.before_run import in_braces
from reconciler.operations.reading.task_steps import UnknownSteps
from reconciler.plan.parts import Document
from reconciler.plan.releases import FilePushes
from reconciler.taskfile.tasks import PushStep, Step


def pushes_of(document: Document, steps: tuple[Step, ...] | UnknownSteps) -> FilePushes:
    """What the task file of a task pushes, or why that is not known before its run."""
    source: str = document["spec"]["context"]["source"]
    step: dict[str, Any] = document["spec"]["step"]["file"]
    if isinstance(steps, UnknownSteps):
        repositories = tuple(step.get("repositories", ()))
        return FilePushes(unknown=str(steps), file=step["path"], repositories=repositories)
    file = str(PurePosixPath(source) / step["path"])
    return FilePushes(
        images={
            in_braces(image): f"{file}:{one.line}:1"
            for one in reversed(steps)
            if isinstance(one, PushStep)
            for image in one.images
        }
    )
