"""What the Dockerfile of a build asks for, and whether somebody gives it. Builds nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from reconciler.base.text import one_line
from reconciler.model.run import Reason
from reconciler.runner.failure import Failure
from reconciler.taskfile.dockerfile.demands import BuildDemands, build_demands
from reconciler.taskfile.dockerfile.logicallines import DockerfileError

_UNKNOWN = BuildDemands(runs=True, secrets=())
_WINDOWS, _BUILDAH = "windows", "buildah"
# The machine that builds is not known yet. What runs there is no command of the target, whatever
# it is: so it is any other platform.
_OTHER = {"linux/amd64": "linux/arm64"}


def read_demands(
    dockerfile: bytes, *, args: Mapping[str, str], target: str | None, platform: str
) -> BuildDemands:
    """What building asks for; of a file that is not understood, that it runs commands.

    Whether it can be built is not judged here: the builder knows its own language best.
    """
    other = _OTHER.get(platform, "linux/amd64")
    try:
        return build_demands(
            dockerfile, build_args=args, target=target, platform=platform, build_platform=other
        )
    except DockerfileError:
        return _UNKNOWN


def refuse_missing_secrets(
    demands: BuildDemands, given: Collection[str], *, file: str, where: str, fix: str
) -> None:
    """Raise Failure (secret-denied) for a secret that a Dockerfile mounts and nobody gives.

    Builders go on without it, and what fails then says something else. `where` stands in front,
    `fix` says how one is given, with NAME for its name.
    """
    for secret in demands.secrets:
        if secret.optional or secret.id in given:
            continue
        if not secret.id:
            message = f"{where}{one_line(file)} line {secret.line} mounts a secret without a name"
            raise Failure(Reason.SECRET_DENIED, f"{message}; write id=NAME, or a target=")
        name = one_line(secret.id, 60)
        message = f"{where}{one_line(file)} line {secret.line} mounts the secret {name}"
        advice = f"{fix.replace('NAME', name)}, or write required=false if it may be missing"
        raise Failure(Reason.SECRET_DENIED, f"{message}, and nobody gives it; {advice}")


def refuse_windows(demands: BuildDemands, builder: str, system: str, *, where: str) -> None:
    """Raise Failure (taskfile-invalid) for an image for Windows that a builder cannot make.

    On an engine of Linux (`system` is its operating system) only buildah does, without commands.
    """
    if system == _WINDOWS:
        return
    if demands.runs:
        message = "a RUN for Windows needs an engine of Windows"
        raise Failure(Reason.TASKFILE_INVALID, f"{where}{message}; put the image together by COPY")
    if builder != _BUILDAH:
        message = f"the {builder} builder makes no image for Windows"
        fix = "run the task with platform: windows/amd64, where buildah makes it"
        raise Failure(Reason.TASKFILE_INVALID, f"{where}{message}; {fix}")
