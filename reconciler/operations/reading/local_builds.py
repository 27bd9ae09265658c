"""Dockerfiles that lie in the workspace, and whether they execute commands. Builds nothing."""

from __future__ import annotations

import posixpath
from pathlib import Path

from reconciler.base.inside import real_path
from reconciler.model.context import ContextKind
from reconciler.model.task import Task

_LARGEST = 1 << 20
FETCHED = "its context is fetched by the run"


def runs_commands(root: Path, task: Task, own: str) -> bool | None:
    """True if building the task's image has a RUN of its platform; None where that is not known.

    `own` is the platform of the machine that builds. A context that is fetched by the run is not
    known, and what is wrong with a Dockerfile is told by the build.
    """
    from reconciler.taskfile.dockerfile.demands import build_demands  # noqa: PLC0415  (late: rare)
    from reconciler.taskfile.dockerfile.logicallines import DockerfileError  # noqa: PLC0415  (late)

    docker, data = task.spec.docker, local_dockerfile(root, task)
    if docker is None or data is None:
        return None
    try:
        found = build_demands(
            data,
            build_args=docker.args,
            target=docker.target,
            platform=task.spec.platform,
            build_platform=own,
        )
    except DockerfileError:
        return None
    return found.runs


def local_dockerfile(root: Path, task: Task) -> bytes | None:
    """The Dockerfile of a task whose context lies in the workspace; None where it is not here."""
    docker = task.spec.docker
    if docker is None or task.spec.context.kind is not ContextKind.LOCAL:
        return None
    try:
        path = real_path(root.resolve(), posixpath.join(task.spec.context.source, docker.file))
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return None
        return path.read_bytes()
    except OSError:
        return None
