"""cmd and build steps: the fields that start a container or a build. Resolves no dependency."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.model.image import parse_reference
from reconciler.taskfile.faults import Fault
from reconciler.taskfile.findings import Findings, Place
from reconciler.taskfile.steps.buildarguments import read_build
from reconciler.taskfile.steps.environment import Entry, merge, step_level
from reconciler.taskfile.steps.resources import working_directory
from reconciler.taskfile.steps.words import split_words
from reconciler.taskfile.tasks import (
    DEFAULT_RETRY_DELAY,
    BuildStep,
    CmdStep,
    Mount,
    Pairs,
    Repeating,
    StepFrame,
)
from reconciler.taskfile.tree.fields import Fields
from reconciler.taskfile.tree.nodes import Mapping, Scalar

_CPUS = re.compile(r"[0-9]+(\.[0-9]+)?|\.[0-9]+")
_PORT = re.compile(r"((\S+:)?[0-9-]*:)?[0-9]+(-[0-9]+)?(/(tcp|udp|sctp))?")
_OPERATOR_FIX = "there is no shell here: run one in the container, e.g. bash -c '...'"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a step takes from the task: defaults, and how secrets and image aliases are put in."""

    timeout: int
    working_directory: str
    network: str | None
    environment: tuple[Sequence[Entry], Sequence[Entry]] = ((), ())
    volumes: frozenset[str] = frozenset()
    image_alias: Callable[[str], str | None] = field(default=lambda _: None)
    reveal: Callable[[str], str] = str


# ---------------------------------------------------------------- container
class ContainerFields:
    """The fields that cmd and build steps share, with what the task gives them."""

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
            self._tell_operators(key, node, [operator.text for operator in split.operators])
        return split.words

    def _tell_operators(self, key: str, node: Scalar, found: list[str]) -> None:
        shown = " ".join(dict.fromkeys("a line break" if text == "\n" else text for text in found))
        message = f'"{key}" holds what only a shell understands, outside quotes'
        self.findings.doubt(node, message, found=shown, fix=_OPERATOR_FIX)

    def attempts(self) -> Repeating:
        """How often it is tried."""
        delay = self.fields.whole("retryDelay") or 0
        return Repeating(
            retries=self._count("retries"),
            retry_delay=delay if delay > 0 else DEFAULT_RETRY_DELAY,
            retry_on_errors=self.fields.texts("retryOnErrors"),
            repeat=self._count("repeat"),
        )

    def _count(self, key: str) -> int:
        found = self.fields.whole(key) or 0
        if found < 0:
            self.findings.error(self.fields.place(key), f'"{key}" cannot be negative')
        return max(found, 0)

    def env(self) -> Pairs:
        """The merged variables."""
        own = step_level(self.fields.scalars("env"), self.findings)
        return merge((own, *self.around.environment), self.findings, self.around.reveal)

    def network(self) -> str | None:
        """The step's own network or the task's."""
        return self.fields.word("network") or self.around.network

    def working_directory(self) -> str | None:
        """None where the image's own holds."""
        if self.fields.flag("disableWorkingDirectoryOverride"):
            return None
        return working_directory(
            self.fields.word("workingDirectory"), self.around.working_directory
        )

    def mounts(self) -> tuple[Mount, ...]:
        """The volumes and their paths; both are needed, and a path is used once."""
        found: dict[str, Mount] = {}
        for item in self.fields.maps("volumeMounts"):
            mount = self._mount(item)
            if mount is None:
                continue
            if mount.path in found:
                self.findings.error(item, f"two volumes are mounted at {mount.path}")
            found[mount.path] = mount
        return tuple(found.values())

    def _mount(self, item: Mapping) -> Mount | None:
        known = ("name", "mountPath")
        fields = Fields(item, self.findings, known, "a mount", self.around.reveal)
        name, path = fields.word("name"), fields.word("mountPath")
        if not name or not path:
            self.findings.error(item, "a mount needs name and mountPath")
            return None
        if name not in self.around.volumes:
            allowed = ", ".join(sorted(self.around.volumes)) or "none: there is no volume"
            self.findings.error(item, f'there is no volume "{name}"', found=name, allowed=allowed)
        return Mount(name, path)


# -------------------------------------------------------------------- build
def build_step(frame: StepFrame, container: ContainerFields, *, cache: bool) -> BuildStep:
    """The build step of a frame; problems are noted."""
    fields, findings, reveal = container.fields, container.findings, container.around.reveal
    words = container.words("build")
    return BuildStep(
        **frame_values(frame),
        build=read_build(words, fields.place("build"), findings, reveal),
        argv=tuple(map(reveal, words)),
        env=container.env(),
        attempts=container.attempts(),
        network=container.network(),
        working_directory=container.working_directory(),
        mounts=container.mounts(),
        detach=fields.flag("detach") and not findings.strict,
        keep=fields.flag("keep"),
        cache=cache,
    )


# ---------------------------------------------------------------------- cmd
def cmd_step(frame: StepFrame, container: ContainerFields) -> CmdStep:
    """The cmd step of a frame; problems are noted."""
    fields = container.fields
    image, argv = _image_and_words(container)
    wanted, unwanted = _exit_codes(container)
    return CmdStep(
        **frame_values(frame),
        image=image,
        argv=argv,
        env=container.env(),
        attempts=container.attempts(),
        network=container.network(),
        working_directory=container.working_directory(),
        mounts=container.mounts(),
        detach=fields.flag("detach"),
        keep=fields.flag("keep"),
        pull=fields.flag("pull"),
        download_retries=max(fields.whole("cmdDownloadRetries") or 0, 0),
        download_retry_delay=max(fields.whole("cmdDownloadRetryDelay") or 0, 0),
        privileged=fields.flag("privileged"),
        user=fields.word("user"),
        isolation=fields.word("isolation"),
        cpus=_checked(container, "cpus", _CPUS, 'a number, such as "1.5"'),
        entry_point=fields.text("entryPoint"),
        ports=_ports(container, "ports"),
        expose=_ports(container, "expose"),
        exited_with=wanted,
        exited_without=unwanted,
    )


def _image_and_words(container: ContainerFields) -> tuple[str, tuple[str, ...]]:
    reveal, node = container.around.reveal, container.fields.place("cmd")
    words = container.words("cmd")
    if not words:
        return "", ()
    alias = container.around.image_alias(words[0])
    first = split_words(alias).words if alias is not None else words[:1]
    words = (*(first or words[:1]), *words[1:])
    image = reveal(words[0])
    if image != words[0]:
        container.findings.doubt(node, "the image of cmd holds a secret", fix="use a value instead")
    elif image.startswith("-"):
        fix = "flags of docker run are properties of the step: user, entryPoint, ports, ..."
        container.findings.error(node, "cmd starts with the image", found=words[0], fix=fix)
    else:
        check_image(image, node, container.findings)
    return image, tuple(map(reveal, words[1:]))


def _checked(
    container: ContainerFields, key: str, pattern: re.Pattern[str], allowed: str
) -> str | None:
    word = container.fields.word(key)
    if word is not None and not pattern.fullmatch(word):
        at = container.fields.place(key)
        container.findings.doubt(at, f'"{key}" cannot be read', found=word, allowed=allowed)
    return word


def _ports(container: ContainerFields, key: str) -> tuple[str, ...]:
    words = container.fields.words(key)
    for word in words:
        if not _PORT.fullmatch(word):
            at, allowed = container.fields.place(key), "80, 8080:80, 127.0.0.1:8080:80/tcp"
            container.findings.doubt(at, "this is no port", found=word, allowed=allowed)
    return words


def _exit_codes(container: ContainerFields) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """exitedWith and exitedWithout. ACR's engine reads both and obeys neither."""
    fields, findings = container.fields, container.findings
    wanted, unwanted = fields.wholes("exitedWith"), fields.wholes("exitedWithout")
    if not findings.strict:
        for key in ("exitedWith", "exitedWithout"):
            if fields.has(key):
                findings.warn(fields.place(key), f'"{key}" is ignored, as ACR\'s engine does')
        return (), ()
    if wanted and unwanted:
        at = fields.place("exitedWithout")
        findings.error(at, "exitedWith and exitedWithout exclude each other", fix="keep one")
    for code in (*wanted, *unwanted):
        if not 0 <= code <= 255:
            at = fields.place("exitedWith" if code in wanted else "exitedWithout")
            findings.error(at, "this is no exit code", found=str(code), allowed="0 to 255")
    return wanted, unwanted


def check_image(name: str, at: Place, findings: Findings) -> None:
    """Note a name that is no image name; ACR's engine looks at none."""
    try:
        parse_reference(name)
    except ValueError as error:
        findings.doubt(at, str(error), found=name)


def frame_values(frame: StepFrame) -> dict[str, Any]:
    """The frame's values, to build a step from."""
    names = ("id", "needs", "timeout", "start_delay", "ignore_errors", "line")
    return {name: getattr(frame, name) for name in names}
