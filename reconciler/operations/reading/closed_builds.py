"""Dockerfiles of this workspace that a run which may not reach out would refuse. Builds nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reconciler.base.diagnostics import Diagnostic, Severity
from reconciler.base.source import Located
from reconciler.base.text import one_line
from reconciler.model.demand import read_demand
from reconciler.model.task import Task
from reconciler.operations.reading.demands import Demands
from reconciler.operations.reading.local_builds import local_dockerfile

_CLOSED = "with network.egress: none"


def closed_builds(demands: Demands, opened_root: Path) -> Iterator[Diagnostic]:
    """A warning for each way out, at the task's `egress`: files change until a run reads them.

    Fetched contexts and task files are left to the run, and so is what base images bring in; of
    very many tasks the first ones are looked at.
    """
    for text, asking in sorted(demands.asking.items()):
        if read_demand(text).closed:
            for one in asking.first:
                yield from _problems(opened_root, one.task())


def _problems(root: Path, located: Located[Task]) -> Iterator[Diagnostic]:
    from reconciler.taskfile.dockerfile.additions import additions  # noqa: PLC0415  (late: rare)
    from reconciler.taskfile.dockerfile.frontend import frontend  # noqa: PLC0415  (late: rare)
    from reconciler.taskfile.dockerfile.logicallines import DockerfileError  # noqa: PLC0415  (late)
    from reconciler.taskfile.steps.egress import (  # noqa: PLC0415  (late: rare)
        COPY_IT,
        FRONTEND,
        FRONTEND_ARGUMENT,
    )

    task = located.value
    data, docker = local_dockerfile(root, task), task.spec.docker
    if data is None or docker is None:
        return
    try:
        added, program = additions(data), frontend(data)
    except DockerfileError:
        return
    for item in added:
        what = f"adds {one_line(item.source, 120)}, which may lead out"
        yield _told(located, f"{docker.file} line {item.line} {what}", item.source, COPY_IT)
    if argument := docker.args.get(FRONTEND_ARGUMENT):
        what = f"where BuildKit builds, {FRONTEND_ARGUMENT} {FRONTEND}"
        yield _told(located, what, argument, "remove the argument")
    elif program is not None:
        what = f"where BuildKit builds, syntax= in {docker.file} line {program.line} {FRONTEND}"
        yield _told(located, what, program.image, "remove the line")


def _told(located: Located[Task], what: str, found: str, fix: str) -> Diagnostic:
    return Diagnostic(
        f"no run of it would build {_CLOSED}: {one_line(what, 400)}",
        located.source.locate(("spec", "network", "egress")),
        Severity.WARNING,
        code="egress",
        found=one_line(found, 120),
        fix=fix,
        task=located.value.address,
    )
