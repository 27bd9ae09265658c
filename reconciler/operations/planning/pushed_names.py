"""The names that a task pushes, as base images are tracked. Runs nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from reconciler.model.image import release_name
from reconciler.model.step import FileTask
from reconciler.model.task import Task
from reconciler.model.tracked import tracked_reference
from reconciler.operations.planning.dockerfiles import BasesReader
from reconciler.operations.reading.before_run import in_braces
from reconciler.plan.normalise import canonical_document
from reconciler.plan.parts import Document
from reconciler.plan.releases import pushed_images


def pushed_names(
    reader: BasesReader, task: Task, document: Document | None = None
) -> Iterator[str]:
    """The names that a task pushes, in their one spelling, as far as they are known before its run.

    `document` is its canonical one, where that is at hand. A name that differs from run to run is
    nobody's base.
    """
    document = document or canonical_document(task)
    written = [image for _, image in pushed_images(document["spec"]["step"])]
    if isinstance(task.spec.step, FileTask):
        steps = reader.steps(document)
        pushes = steps if isinstance(steps, tuple) else ()
        written += [image for one in pushes if one.kind == "push" for image in one.images]
    for image in written:
        name = release_name(in_braces(image), reader.server(document))
        with contextlib.suppress(ValueError):
            yield tracked_reference(name)
