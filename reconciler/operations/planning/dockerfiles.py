"""What tasks take from, read from the workspace: for the order of changes, for what is tracked and
for the graph. Each Dockerfile is read once. Builds nothing; asks no registry.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.base.canonical import digest
from reconciler.base.encoding import YamlError
from reconciler.model.context import ContextKind, context_kind
from reconciler.model.tracked import TaskBases
from reconciler.model.variables import FIELDS, VARIABLE
from reconciler.operations.planning.build_bases import (
    PLATFORM,
    Build,
    Found,
    Read,
    images_of,
    tracked,
)
from reconciler.operations.reading.gather import servers_of
from reconciler.operations.reading.local_builds import FETCHED
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.change import Change, Document

if TYPE_CHECKING:
    from reconciler.operations.reading.task_steps import UnknownSteps
    from reconciler.taskfile.tasks import Step


class BasesReader:
    """Reads the builds of tasks in one workspace. What is the same for two tasks is read once.

    `known` are Dockerfiles that were understood already; what is new is put there, too.
    """

    def __init__(
        self, opened: OpenWorkspace, known: dict[tuple[bytes, Build], Read] | None = None
    ) -> None:
        self.opened = opened
        self._root = str(opened.root.resolve())
        self._servers = servers_of(opened)
        self._texts: dict[str, bytes | str] = {}
        self._read = {} if known is None else known
        self._steps: dict[str, tuple[Step, ...] | UnknownSteps] = {}

    def of_all(self, changes: Iterable[Change]) -> dict[str, Found]:
        """By address: of what will be live, or of what was if a task goes."""
        found = {}
        for change in changes:
            frozen = change.target or change.base
            if frozen is not None:
                found[change.address] = self.of(frozen.read())
        return found

    def of(self, document: Document) -> Found:
        """What one task takes from, as far as it is known before it runs."""
        spec = document["spec"]
        docker = spec["step"].get("docker")
        if docker is None:
            # Late: reading task files takes 70 modules, and most plans have none.
            from reconciler.operations.planning.step_bases import bases_of_steps  # noqa: PLC0415

            return bases_of_steps(self, document)
        source = spec["context"]["source"]
        if context_kind(source) is not ContextKind.LOCAL:
            return Found(TaskBases(unknown=FETCHED))
        written = docker.get("args", {})
        known = self._known(document) if any("{{" in text for text in written.values()) else {}
        args = ((name, _expanded(value, known)) for name, value in written.items())
        file = posixpath.normpath(f"{source}/{docker.get('file', 'Dockerfile')}")
        platform = spec.get("platform", PLATFORM)
        return self.of_build(Build(file, tuple(args), docker.get("target"), platform))

    def of_build(self, build: Build) -> Found:
        """What one build takes from."""
        data = self._text(build.file)
        if isinstance(data, str):
            return Found(TaskBases(unknown=f"{build.file}: {data}"))
        read = self._images(data, build)
        if read.wrong is not None:
            return Found(TaskBases(unknown=f"{build.file}{read.wrong}"))
        return Found(
            tracked(read.images, build),
            tuple(image.reference for image in read.images),
            tuple(image.reference for image in read.images if image.role != "syntax"),
        )

    def steps(self, document: Document) -> tuple[Step, ...] | UnknownSteps:
        """The steps of a task without a docker step, or why they are not known before its run."""
        from reconciler.operations.reading.task_steps import UnknownSteps, steps_of  # noqa: PLC0415
        from reconciler.taskfile.tasks import CmdStep  # noqa: PLC0415  (late, as above)

        key = digest(document)
        if key not in self._steps:
            try:
                found = steps_of(self.opened, document)
                # What only runs is large, and nobody asks for it.
                self._steps[key] = tuple(one for one in found if not isinstance(one, CmdStep))
            except UnknownSteps as error:
                self._steps[key] = error
        return self._steps[key]

    def server(self, document: Document) -> str:
        """The login server of a task's registry."""
        registry: str = document["metadata"]["registry"]
        return self._servers.get(registry, registry)

    def _known(self, document: Document) -> dict[str, str]:
        """The values of run variables, by their names; a word for what only a run knows."""
        # Late: it takes modules that read task files, and most tasks have no arguments.
        from reconciler.operations.reading.before_run import RUN_WORDS  # noqa: PLC0415

        server = self.server(document)
        system, _, rest = document["spec"].get("platform", PLATFORM).partition("/")
        here = {
            "Registry": server,
            "RegistryName": server.partition(".")[0],
            "TaskName": document["metadata"]["name"],
            "OS": system,
            "Architecture": rest.partition("/")[0],
        }
        words = {**RUN_WORDS, **here}
        return {name: words.get(name.rpartition(".")[2], "") for name in FIELDS}

    def _text(self, file: str) -> bytes | str:
        """The bytes of a file below the workspace, or why there are none."""
        if file not in self._texts:
            self._texts[file] = self._file(file)
        return self._texts[file]

    def _file(self, file: str) -> bytes | str:
        # Neither the name nor a link on its way leads out: what is read is told to people.
        if not os.path.realpath(f"{self._root}/{file}").startswith(f"{self._root}{os.sep}"):
            return "it leads out of the workspace"
        try:
            return self.opened.files.read(file)
        except YamlError as error:
            return error.message

    def _images(self, data: bytes, build: Build) -> Read:
        key = (data, replace(build, file=""))
        if key not in self._read:
            self._read[key] = images_of(data, build)
        return self._read[key]


def _expanded(text: str, known: Mapping[str, str]) -> str:
    return VARIABLE.sub(lambda match: known.get(match[1].strip(), match[0]), text)
