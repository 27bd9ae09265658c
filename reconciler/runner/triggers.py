"""The ONBUILD instructions of base images: a build does them as if they were written in its file.

They are read from the settings of the image, and so once it is there. Builds nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from reconciler.base.text import one_line
from reconciler.model.run import Reason
from reconciler.runner.bases import Bases
from reconciler.runner.demands import refuse_missing_secrets
from reconciler.runner.egress import CLOSED
from reconciler.runner.failure import Failure
from reconciler.runner.work import Work
from reconciler.taskfile.dockerfile.additions import additions
from reconciler.taskfile.dockerfile.demands import BuildDemands, trigger_secrets
from reconciler.taskfile.dockerfile.instructions import parse
from reconciler.taskfile.dockerfile.logicallines import DockerfileError

_FIX = "build from another base image"


def check_triggers(
    dockerfile: bytes,
    bases: Bases,
    given: Collection[str],
    work: Work,
    *,
    name: str,
    where: str,
    fix: str,
) -> None:
    """Judge what the bases of a Dockerfile leave to its build like its own instructions.

    `given` are the names of the build's secrets. Raises Failure: secret-denied for one that is
    mounted and not given, step for an ADD that leads out of a closed task.
    """
    if not any(image.triggers for _, image in bases.images):
        return
    starts = {item.line for item in parse(dockerfile).instructions if item.name == "FROM"}
    for line, image in bases.images:
        for written in image.triggers if line in starts else ():
            _check_way_out(written, f"{where}the base image of {one_line(name)} line {line}", work)
            secrets = (replace(secret, line=line) for secret in trigger_secrets(written))
            demands = BuildDemands(runs=True, secrets=tuple(secrets))
            file = f"the base image (by ONBUILD) of {name}"
            refuse_missing_secrets(demands, given, file=file, where=where, fix=fix)


def _check_way_out(written: str, told: str, work: Work) -> None:
    if not work.request.offline:
        return
    try:
        found = additions(written)
    except DockerfileError as error:
        message = f"{told} has an ONBUILD that cannot be read: {error}; {_FIX}"
        raise Failure(Reason.STEP, f"{CLOSED}: {message}") from None
    for item in found:
        message = f"{told} adds {one_line(item.source, 120)} by ONBUILD, which may lead out"
        raise Failure(Reason.STEP, f"{CLOSED}: {message}; {_FIX}")
