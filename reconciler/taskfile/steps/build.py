"""build steps: their fields and words to an image build. Resolves no dependency."""

from __future__ import annotations

from dataclasses import replace

from reconciler.taskfile.steps.buildarguments import KNOWN_FLAGS, read_build
from reconciler.taskfile.steps.buildsecrets import secret_limits
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
    environment = dict(shared.env)
    wish = environment.get("DOCKER_BUILDKIT")
    # A secret can only be mounted by BuildKit: it is meant unless it is ruled out.
    strict = findings.strict or bool(build.secrets)
    buildkit = cache or _buildkit(wish, strict=strict)
    limits = (
        *build_limits(build, shared.working_directory),
        *secret_limits(build, environment, buildkit=buildkit),
    )
    for limit in limits:
        if limit.message.endswith(" in a build") and limit.found.lstrip("-") not in KNOWN_FLAGS:
            continue  # that there is no such flag is told already
        findings.doubt(fields.place("build"), limit.message, found=limit.found, fix=limit.fix)
    if findings.strict:  # what a build does not do; ACR's engine is read as it is written
        network = shared.network if shared.network == "none" else None
        shared = replace(shared, network=network, mounts=(), keep=False)
    return BuildStep(**shared.values(), build=build, cache=cache, buildkit=buildkit)


def _buildkit(wish: str | None, *, strict: bool) -> bool:
    """BuildKit unless `0` is written; for ACR's engine only where `1` is."""
    return wish != "0" if strict else wish == "1"
