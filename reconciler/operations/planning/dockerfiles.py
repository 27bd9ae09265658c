"""What the Dockerfiles in the workspace take from: for the order of changes, and for the graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from reconciler.base.encoding import YamlError
from reconciler.model.context import ContextKind, context_kind
from reconciler.model.step import DockerStep
from reconciler.model.task import Task
from reconciler.operations.reading.gather import servers_of
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.change import Change, Document

if TYPE_CHECKING:
    from reconciler.taskfile.dockerfile.images import BaseImage


def dockerfile_bases(opened: OpenWorkspace, changes: Iterable[Change]) -> dict[str, list[str]]:
    """Image names by address, as written, for tasks whose context is a folder of the workspace.

    A Dockerfile that is missing or wrong takes from nothing here: the run says what is wrong.
    """
    hosts = [server.encode() for server in servers_of(opened).values()]
    found = {}
    for change in changes:
        frozen = change.target or change.base
        document = frozen.read() if frozen is not None else None
        if document is not None and (data := _dockerfile(opened, document)) is not None:
            found[change.address] = _bases(data, Task.model_validate(document), hosts)
    return found


def base_references(
    opened: OpenWorkspace, documents: Mapping[str, Document]
) -> dict[str, list[str]]:
    """Every image that tasks are built from, by address: of any registry, frontends left out."""
    found = {}
    for address, document in documents.items():
        data = _dockerfile(opened, document)
        task = Task.model_validate(document) if data is not None else None
        if data is not None and task is not None and task.spec.docker is not None:
            images = _images(data, task.spec.docker, task.spec.platform)
            found[address] = [image.reference for image in images if image.role != "syntax"]
    return found


def _dockerfile(opened: OpenWorkspace, document: Document) -> bytes | None:
    """The Dockerfile of a task, if it lies in the workspace and can be read."""
    docker, source = document["spec"]["step"].get("docker"), document["spec"]["context"]["source"]
    if docker is None or context_kind(source) is not ContextKind.LOCAL:
        return None
    try:
        return opened.files.read(f"{source}/{docker.get('file', 'Dockerfile')}")
    except YamlError:
        return None


def _bases(data: bytes, task: Task, hosts: Iterable[bytes]) -> list[str]:
    docker = task.spec.docker
    # Parsed only where it may name one of our registries: itself, or through an argument.
    if docker is None or not (docker.args or any(host in data for host in hosts)):
        return []
    return [image.reference for image in _images(data, docker, task.spec.platform)]


def _images(data: bytes, docker: DockerStep, platform: str) -> tuple[BaseImage, ...]:
    from reconciler.taskfile.dockerfile.images import base_images  # noqa: PLC0415  (late: rare)
    from reconciler.taskfile.dockerfile.logicallines import DockerfileError  # noqa: PLC0415

    try:
        found = base_images(data, build_args=docker.args, target=docker.target, platform=platform)
    except DockerfileError:
        return ()
    return found.images
