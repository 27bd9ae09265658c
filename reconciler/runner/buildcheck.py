"""What a build step asks for, and what of it cannot or must not be built. Touches no machine."""

from __future__ import annotations

from reconciler.base.redact import Redactor
from reconciler.base.text import one_line
from reconciler.model.image import parse_reference
from reconciler.model.run import Reason
from reconciler.runner.failure import Failure
from reconciler.taskfile.steps.buildsecrets import secret_limits
from reconciler.taskfile.steps.limits import build_limits, is_fetched
from reconciler.taskfile.tasks import BuildStep

_MOUNT = "write --secret id=NAME, and RUN --mount=type=secret,id=NAME in the Dockerfile"


def tags(step: BuildStep) -> tuple[str, ...]:
    """Complete names of the images a step makes; they are checked before the run."""
    named = (tag if parse_reference(tag).tag else f"{tag}:latest" for tag in step.build.tags)
    return tuple(dict.fromkeys(named))


def build_args(step: BuildStep) -> dict[str, str]:
    """Build arguments; one without a value takes it from the step's `env`, or is not given."""
    environment = dict(step.env)
    given = {
        name: environment.get(name) if value is None else value for name, value in step.build.args
    }
    return {name: value for name, value in given.items() if value is not None}


def check_build(step: BuildStep, masked: tuple[str, ...], *, offline: bool = False) -> None:
    """Raise Failure (taskfile-invalid) for what cannot or must not be built.

    `offline`: the run may not reach out, so it fetches no repository for a step.
    """
    limits = (
        *build_limits(step.build, step.working_directory),
        *secret_limits(step.build, dict(step.env), buildkit=step.buildkit),
    )
    for limit in limits:
        raise _wrong(step, f"{limit.message}; found: {one_line(limit.found)}; fix: {limit.fix}")
    if offline and is_fetched(step.build.context):
        message = "its context is fetched, and this task has network.egress: none"
        raise _wrong(step, message)
    redactor = Redactor(masked)
    words = [*step.build.labels, *step.build.tags, *build_args(step).values()]
    if any(redactor.text(word) != word for word in words):
        message = "a secret as build argument, label or name stays readable in the image"
        raise _wrong(step, f"{message}; {_MOUNT}")


def _wrong(step: BuildStep, why: str) -> Failure:
    return Failure(Reason.TASKFILE_INVALID, f'step "{step.id}" (line {step.line}): {why}')
