"""The fields that cmd and build steps share, with what a task gives them. Makes no step."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from reconciler.taskfile.faults import Fault
from reconciler.taskfile.findings import Findings
from reconciler.taskfile.steps.environment import Entry, merge, step_level
from reconciler.taskfile.steps.resources import working_directory
from reconciler.taskfile.steps.words import Operator, split_words
from reconciler.taskfile.tasks import (
    DEFAULT_RETRY_DELAY,
    ContainerFrame,
    Mount,
    Pairs,
    Repeating,
    StepFrame,
)
from reconciler.taskfile.tree.fields import Fields
from reconciler.taskfile.tree.nodes import Mapping, Scalar

_ENGINE_NETWORKS = frozenset(("bridge", "default", "host", "none"))
_OF_THE_SYSTEM = frozenset(("proc", "sys", "dev"))
_OPERATOR_FIX = "there is no shell here: run one in the container, e.g. bash -c '...'"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a step takes from the task: defaults, and how secrets and image aliases are put in."""

    timeout: int
    working_directory: str
    network: str | None
    environment: tuple[Sequence[Entry], Sequence[Entry]] = ((), ())
    volumes: frozenset[str] = frozenset()
    networks: frozenset[str] = frozenset()
    image_alias: Callable[[str], str | None] = field(default=lambda _: None)
    reveal: Callable[[str], str] = str


class ContainerFields:
    """Reads these fields of one step; problems are noted."""

    def __init__(self, fields: Fields, around: Surroundings, findings: Findings) -> None:
        self.fields, self.around, self.findings = fields, around, findings

    def words(self, key: str) -> tuple[str, ...]:
        """The words of the step's text, secrets not yet in them; never raises."""
        node = self.fields.scalar(key)
        if node is None:
            return ()
        try:
            split = split_words(node.text)
        except Fault as fault:
            self.findings.error(node, fault.message, fix=fault.fix)
            return ()
        if not split.words:
            fix = "write the image and its words" if key == "cmd" else "write the context: ."
            self.findings.doubt(node, f'"{key}" is blank', fix=fix)
        if split.operators:
            self._tell_operators(key, node, split.operators)
        return split.words

    def _tell_operators(self, key: str, node: Scalar, found: tuple[Operator, ...]) -> None:
        texts = ("a line break" if item.text == "\n" else item.text for item in found)
        shown = " ".join(dict.fromkeys(texts))
        if node.plain and found[0].line == 1:  # written as it is: the place in it is known
            node = replace(node, column=node.column + found[0].column - 1)
        message = f'"{key}" holds what only a shell understands, outside quotes'
        self.findings.doubt(node, message, found=shown, fix=_OPERATOR_FIX)

    def frame(self, frame: StepFrame, argv: tuple[str, ...], *, detach: bool) -> ContainerFrame:
        """The frame of a step with all that cmd and build steps share."""
        return ContainerFrame(
            **frame.values(),
            argv=argv,
            env=self._env(),
            attempts=self._attempts(),
            network=self._network() or self.around.network,
            working_directory=self._working_directory(),
            mounts=self._mounts(),
            detach=detach,
            keep=self.fields.flag("keep"),
        )

    def _attempts(self) -> Repeating:
        delay = self.fields.seconds("retryDelay")
        return Repeating(
            retries=self.fields.tries("retries"),
            retry_delay=delay if delay > 0 else DEFAULT_RETRY_DELAY,
            retry_on_errors=self.fields.texts("retryOnErrors"),
            repeat=self.fields.tries("repeat"),
        )

    def _env(self) -> Pairs:
        own = step_level(self.fields.scalars("env"), self.findings)
        return merge((own, *self.around.environment), self.findings, self.around.reveal)

    def _network(self) -> str | None:
        """The step's own network: one of the file's, or one that every engine has."""
        name = self.fields.word("network")
        known = self.around.networks
        if name and name.lower().startswith("container:"):
            self._refuse_container(name)
            return None
        if name and name not in known | _ENGINE_NETWORKS:
            fix = self.findings.suggestion(name, known)
            fix = fix or "list it under networks:, with skipCreation: true if it exists"
            at, allowed = self.fields.place("network"), ", ".join(sorted(known | _ENGINE_NETWORKS))
            message = f'there is no network "{name}"'
            self.findings.doubt(at, message, found=name, allowed=allowed, fix=fix)
        return name

    def _refuse_container(self, name: str) -> None:
        """In either manner: the network of any container of the engine, of other runs too."""
        message = "no step joins the network of another container"
        fix = "name one of networks:, where steps reach each other by their ids"
        self.findings.error(self.fields.place("network"), message, found=name, fix=fix)

    def _working_directory(self) -> str | None:
        """None where the image's own holds."""
        if self.fields.flag("disableWorkingDirectoryOverride"):
            return None
        return working_directory(
            self.fields.word("workingDirectory"), self.around.working_directory
        )

    def _mounts(self) -> tuple[Mount, ...]:
        """The volumes and their paths; both are needed, and a path is used once."""
        found: dict[str, Mount] = {}
        for item in self.fields.maps("volumeMounts"):
            mount = self._mount(item)
            if mount is None:
                continue
            place = posixpath.normpath(mount.path)
            if place in found:
                fix = "give one of them another mountPath"
                self.findings.error(item, f"two volumes are mounted at {mount.path}", fix=fix)
            found[place] = mount
        return tuple(found.values())

    def _mount(self, item: Mapping) -> Mount | None:
        known = ("name", "mountPath")
        fields = Fields(item, self.findings, known, "a mount", self.around.reveal)
        name, path = fields.word("name"), fields.word("mountPath")
        if not name or not path:
            fix = "write {name: VOLUME, mountPath: /PATH}"
            self.findings.error(item, "a mount needs name and mountPath", fix=fix)
            return None
        if name not in self.around.volumes:
            allowed = ", ".join(sorted(self.around.volumes)) or "none: there is no volume"
            fix = self.findings.suggestion(name, self.around.volumes) or "list it under volumes:"
            message = f'there is no volume "{name}"'
            self.findings.error(item, message, found=name, allowed=allowed, fix=fix)
        self._check_path(path, item)
        return Mount(name, path)

    def _check_path(self, path: str, at: Mapping) -> None:
        whole = path.startswith("/") and ".." not in path.split("/")
        if not whole or posixpath.normpath(path).lstrip("/") in {"", "workspace"}:
            message, allowed = "no volume can be mounted here", "an absolute path, such as /keys"
            fix = "write mountPath: /PATH, which is neither / nor /workspace and has no .."
            self.findings.doubt(at, message, found=path, allowed=allowed, fix=fix)
        elif posixpath.normpath(path).lstrip("/").split("/")[0] in _OF_THE_SYSTEM:
            message = "a volume here would hide what the system keeps there"
            fix = "write mountPath: /keys"
            self.findings.doubt(at, message, found=path, allowed="/keys, /run/keys", fix=fix)
