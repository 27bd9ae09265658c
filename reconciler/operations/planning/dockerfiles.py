"""What tasks take from, read from the workspace: for the order of changes, for what is tracked and
for the graph. Each Dockerfile is read once. Builds nothing; asks no registry.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.base.canonical import digest
from reconciler.base.encoding import YamlError
from reconciler.base.text import one_line
from reconciler.model.context import ContextKind, context_kind
from reconciler.model.tracked import TaskBases, TrackedBase, tracked_reference
from reconciler.model.variables import FIELDS, VARIABLE
from reconciler.operations.reading.gather import servers_of
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.change import Change, Document

if TYPE_CHECKING:
    from reconciler.operations.planning.task_steps import UnknownSteps
    from reconciler.taskfile.dockerfile.images import BaseImage
    from reconciler.taskfile.tasks import Step

FETCHED = "its context is fetched by the run"
_PLATFORM = "linux/amd64"  # what a document leaves out


@dataclass(frozen=True, slots=True)
class Found:
    """`written` are names as a Dockerfile gives them; without frontends: `copied`."""

    bases: TaskBases
    written: tuple[str, ...] = ()
    copied: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Build:
    """One build: its Dockerfile in the workspace, and what decides which images it needs."""

    file: str
    args: tuple[tuple[str, str], ...] = ()
    target: str | None = None
    platform: str = _PLATFORM


@dataclass(frozen=True, slots=True)
class _Read:
    """The images of a Dockerfile, or why they cannot be told."""

    images: tuple[BaseImage, ...] = ()
    wrong: str | None = None


class BasesReader:
    """Reads the builds of tasks in one workspace. What is the same for two tasks is read once."""

    def __init__(self, opened: OpenWorkspace) -> None:
        self.opened = opened
        self._root = str(opened.root.resolve())
        self._servers = servers_of(opened)
        self._texts: dict[str, bytes | str] = {}
        self._read: dict[tuple[bytes, Build], _Read] = {}
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
        platform = spec.get("platform", _PLATFORM)
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
            _tracked(read.images, build),
            tuple(image.reference for image in read.images),
            tuple(image.reference for image in read.images if image.role != "syntax"),
        )

    def steps(self, document: Document) -> tuple[Step, ...] | UnknownSteps:
        """The steps of a task without a docker step, or why they are not known before its run."""
        from reconciler.operations.planning.task_steps import UnknownSteps, steps_of  # noqa: PLC0415
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
        system, _, rest = document["spec"].get("platform", _PLATFORM).partition("/")
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

    def _images(self, data: bytes, build: Build) -> _Read:
        key = (data, replace(build, file=""))
        if key not in self._read:
            self._read[key] = _images(data, build)
        return self._read[key]


def together(found: Iterable[Found]) -> Found:
    """What several builds take from, as one; an image that two take counts once."""
    parts = list(found)
    why = [part.bases.unknown for part in parts if part.bases.unknown is not None]
    return Found(
        TaskBases(
            images=tuple(dict.fromkeys(one for part in parts for one in part.bases.images)),
            unknown="; ".join(dict.fromkeys(why)) or None,
        ),
        tuple(name for part in parts for name in part.written),
        tuple(name for part in parts for name in part.copied),
    )


def _expanded(text: str, known: Mapping[str, str]) -> str:
    return VARIABLE.sub(lambda match: known.get(match[1].strip(), match[0]), text)


def _images(data: bytes, build: Build) -> _Read:
    from reconciler.taskfile.dockerfile.images import base_images  # noqa: PLC0415  (late: rare)
    from reconciler.taskfile.dockerfile.logicallines import DockerfileError  # noqa: PLC0415

    try:
        found = base_images(
            data, build_args=dict(build.args), target=build.target, platform=build.platform
        )
    except DockerfileError as error:
        line = f":{error.line}" if error.line else ""
        return _Read(wrong=f"{line}: {one_line(str(error), 120)}")
    return _Read(found.images)


def _known_by_run(reference: str) -> str:
    from reconciler.operations.reading.before_run import in_braces  # noqa: PLC0415  (late, as above)

    return f"only a run knows what {one_line(in_braces(reference), 120)} is"


def _tracked(images: Iterable[BaseImage], build: Build) -> TaskBases:
    """What of the images of a Dockerfile can be watched; what cannot is said."""
    found: dict[tuple[str, str], TrackedBase] = {}
    unknown = []
    for image in images:
        if "known-by-run-" in image.reference:
            unknown.append(_known_by_run(image.reference))
            continue
        try:
            reference = tracked_reference(image.reference)
        except ValueError:
            unknown.append(f"{one_line(image.reference, 120)} is no image name")
            continue
        base = TrackedBase(
            reference=reference,
            platform=image.platform or build.platform,
            kind="runtime" if image.role == "runtime" else "buildtime",
            file=build.file,
            line=image.line or None,
        )
        found.setdefault((reference, base.kind), base)
    return TaskBases(images=tuple(found.values()), unknown="; ".join(unknown) or None)
