"""build steps: their fields and words to an image build. Resolves no dependency."""

from __future__ import annotations

from reconciler.taskfile.steps.buildarguments import read_build
from reconciler.taskfile.steps.container import ContainerFields
from reconciler.taskfile.tasks import BuildStep, StepFrame


def build_step(frame: StepFrame, container: ContainerFields, *, cache: bool) -> BuildStep:
    """The build step of a frame; problems are noted."""
    fields, findings, reveal = container.fields, container.findings, container.around.reveal
    words = container.words("build")
    build = read_build(words, fields.place("build"), findings, reveal)
    detach = fields.flag("detach") and not findings.strict
    shared = container.frame(frame, tuple(map(reveal, words)), detach=detach)
    return BuildStep(**shared.values(), build=build, cache=cache)
