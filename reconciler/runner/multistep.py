"""A run of several steps as it is asked for: a task file, or steps in the spec. Does nothing."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reconciler.model.image import ImageName
from reconciler.model.run import Recorded
from reconciler.model.step import FileStep, FileTask, InlineStep, InlineTask
from reconciler.model.task import TaskSpec


class PackBuild(Recorded):
    """A build by the lifecycle of a builder image. `network` is one of the engine's, by name."""

    builder: str
    images: Annotated[tuple[ImageName, ...], Field(min_length=1)]
    pull: bool = False
    network: str | None = None


class MultiStep(Recorded):
    """Exactly one of `file` (in the context), `inline` and `pack`, and what its steps may do.

    `docker_socket` mounts the engine's socket into every step; without `push` nothing is pushed.
    """

    file: FileStep | None = None
    inline: InlineStep | None = None
    pack: PackBuild | None = None
    compat: Literal["strict", "acb"] = "strict"
    docker_socket: bool = False
    push: bool = True

    @property
    def source(self) -> FileStep | InlineStep:
        """What holds the steps and their values."""
        found = self.file or self.inline
        if found is None:
            raise ValueError("neither file nor inline")  # built by ourselves: cannot be
        return found


def multi_step(spec: TaskSpec, *, push: bool = True) -> MultiStep | None:
    """The steps of a task; None for a docker step."""
    step = spec.step
    if not isinstance(step, FileTask | InlineTask):
        return None
    return MultiStep(
        file=step.file if isinstance(step, FileTask) else None,
        inline=step.inline if isinstance(step, InlineTask) else None,
        compat=spec.compat,
        docker_socket=spec.docker_socket,
        push=push,
    )
