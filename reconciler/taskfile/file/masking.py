"""Which secrets stand in a task file as they are, to be masked in everything that is shown."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.base.credentials import credentials_in
from reconciler.taskfile.tasks import BuildStep, TaskFile


def values_to_mask(task: TaskFile) -> Iterator[str]:
    """The files of its volumes, and what a build context holds beside a location."""
    yield from (text for _, text in volume_texts(task))
    for step in task.steps:
        if isinstance(step, BuildStep):
            yield from credentials_in(step.build.context)


def volume_texts(task: TaskFile) -> Iterator[tuple[str, str]]:
    """What each file of its volumes is called, and its text, decoded as output of programs is."""
    for volume in task.volumes:
        for name, content in volume.files:
            # Bytes that are no text come through.
            yield f"file {name} of volume {volume.name}", content.decode("utf-8", "surrogateescape")
