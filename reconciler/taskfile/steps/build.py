"""build steps: their fields and words to an image build. Resolves no dependency."""

from __future__ import annotations

from reconciler.taskfile.steps.buildarguments import read_build
from reconciler.taskfile.steps.container import ContainerFields
from reconciler.taskfile.steps.limits import build_limits
from reconciler.taskfile.tasks import BuildStep, StepFrame


def build_step(frame: StepFrame, container: ContainerFields, *, cache: bool) -> BuildStep:
    """The build step of a frame; problems are noted."""
    fields, findings, reveal = container.fields, container.findings, container.around.reveal
    words = container.words("build")
    build = read_build(words, fields.place("build"), findings, reveal)
    detach = fields.flag("detach") and not findings.strict
    shared = container.frame(frame, tuple(map(reveal, words)), detach=detach)
    for limit in build_limits(build, shared.working_directory):
        findings.doubt(fields.place("build"), limit.message, found=limit.found, fix=limit.fix)
    buildkit = cache or _buildkit(dict(shared.env).get("DOCKER_BUILDKIT"), strict=findings.strict)
    return BuildStep(**shared.values(), build=build, cache=cache, buildkit=buildkit)


def _buildkit(wish: str | None, *, strict: bool) -> bool:
    """BuildKit unless `0` is written; for ACR's engine only where `1` is."""
    return wish != "0" if strict else wish == "1"
