"""One step of a task file: its fields to a cmd, build or push step. Resolves no dependency.

Source of the properties and of what they apply to:
https://learn.microsoft.com/azure/container-registry/container-registry-tasks-reference-yaml
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reconciler.taskfile.findings import Findings, Place
from reconciler.taskfile.steps.build import build_step
from reconciler.taskfile.steps.cmd import cmd_step
from reconciler.taskfile.steps.container import ContainerFields, Surroundings
from reconciler.taskfile.steps.imagename import check_image
from reconciler.taskfile.tasks import PushStep, Step, StepFrame
from reconciler.taskfile.tree.fields import Fields
from reconciler.taskfile.tree.nodes import Mapping, Scalar
from reconciler.taskfile.tree.nodes import Sequence as ListNode

_EVERY = ("id", "cmd", "build", "push", "when", "timeout", "startDelay", "ignoreErrors", "cache")
_CONTAINER = (
    *("retries", "retryDelay", "retryOnErrors", "repeat", "keep", "network", "env"),
    *("workingDirectory", "disableWorkingDirectoryOverride", "volumeMounts", "detach"),
)
_CMD_ONLY = (
    *("cmdDownloadRetries", "cmdDownloadRetryDelay", "pull", "privileged", "user"),
    *("isolation", "cpus", "entryPoint", "ports", "expose", "exitedWith", "exitedWithout"),
)
KEYS = (*_EVERY, *_CONTAINER, *_CMD_ONLY)
MAX_STEPS = 1000
KINDS = ("cmd", "build", "push")
# The keys that do something, by kind. Of `network` a build obeys `none`.
EFFECTIVE = {
    "cmd": {*_EVERY, *_CONTAINER, *_CMD_ONLY} - {"cache"},
    "build": {*_EVERY, *_CONTAINER} - {"detach", "keep", "volumeMounts"},
    "push": {*_EVERY} - {"cache"},
}
_INSTEAD = {
    ("build", "volumeMounts"): "hand a secret over: --secret id=NAME, and env: ['NAME=...']",
    ("build", "network"): "remove it, or write network: none",
}
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


@dataclass(frozen=True, slots=True)
class Draft:
    """A step before its dependencies are known."""

    id: str
    fields: Fields
    at: Mapping

    @property
    def when(self) -> tuple[Scalar, ...] | None:
        """What is written under `when`."""
        return self.fields.scalars("when") if self.fields.has("when") else None


def draft_steps(
    maps: Sequence[Mapping], findings: Findings, reveal: Callable[[str], str]
) -> list[Draft]:
    """The steps with their ids, generated ones too; wrong ids are noted."""
    drafts: dict[str, Draft] = {}
    hosts: dict[str, str] = {}
    if len(maps) > MAX_STEPS:
        findings.error(maps[MAX_STEPS], f"a task file has at most {MAX_STEPS:,} steps")
    for number, node in enumerate(maps[:MAX_STEPS]):
        fields = Fields(node, findings, KEYS, "a step", reveal)
        written = fields.word("id")
        step_id = written or f"acb_step_{number}"
        place = fields.place("id")
        _check_id(step_id, place, findings)
        if step_id in drafts:
            fix = "give one of them another id"
            findings.error(place, f'two steps have the id "{step_id}"', fix=fix)
        elif (other := hosts.setdefault(step_id.lower(), step_id)) != step_id:
            message = f'steps "{other}" and "{step_id}" have one host name'
            fix = "give one of them another id: a host name has no capital letters"
            findings.doubt(place, message, found=step_id, fix=fix)
        drafts.setdefault(step_id, Draft(step_id, fields, node))
    return list(drafts.values())


def _check_id(step_id: str, at: Place, findings: Findings) -> None:
    if step_id == "acb_root":
        findings.error(at, 'the id "acb_root" is reserved', fix="choose another id")
    elif re.search(r"\s", step_id):
        joined = "-".join(step_id.split())
        fix = f'write "{joined}"'
        findings.error(at, "an id has no blanks", found=step_id, fix=fix)
    elif step_id.lower() == "localhost":
        fix = "choose another id: other steps reach this one by it"
        findings.doubt(
            at, "this id is the name of each step's own container", found=step_id, fix=fix
        )
    elif not _ID.fullmatch(step_id):
        allowed = 'at most 63 letters, digits, "_", "." and "-", the first one a letter or digit'
        fix = "choose another id: other steps reach this one by it"
        findings.doubt(at, "this id cannot be a host name", found=step_id, allowed=allowed, fix=fix)


def read_step(
    draft: Draft, needs: tuple[str, ...], around: Surroundings, findings: Findings
) -> Step | None:
    """The step, None (and a finding) if it is not exactly one of cmd, build and push."""
    fields = draft.fields
    kind = _kind(draft, findings)
    cache = _cache(fields, findings)
    if kind is None:
        return None
    _tell_without_effect(kind, fields, findings)
    timeout = fields.seconds("timeout")
    frame = StepFrame(
        id=draft.id,
        needs=needs,
        timeout=timeout if timeout > 0 else around.timeout,
        start_delay=max(fields.seconds("startDelay"), 0),
        ignore_errors=fields.flag("ignoreErrors"),
        line=draft.at.line,
    )
    if kind == "push":
        return _push(frame, fields, findings)
    container = ContainerFields(fields, around, findings)
    if kind == "build":
        return build_step(frame, container, cache=cache)
    return cmd_step(frame, container)


def _kind(draft: Draft, findings: Findings) -> str | None:
    fields = draft.fields
    written = [kind for kind in KINDS if _says_something(fields, kind)]
    if len(written) == 1:
        return written[0]
    if written:
        message = f'step "{draft.id}" is {" and ".join(written)}'
        findings.error(draft.at, message, fix="make one step of each")
    elif not any(_is_of_wrong_kind(fields, kind) for kind in KINDS):  # that is told already
        fix = "add cmd: IMAGE, build: CONTEXT or push: [IMAGE]"
        findings.error(draft.at, f'step "{draft.id}" is neither cmd, build nor push', fix=fix)
    return None


def _says_something(fields: Fields, kind: str) -> bool:
    if kind == "push":
        return bool(fields.scalars("push"))
    node = fields.scalar(kind)
    return node is not None and bool(node.text)


def _is_of_wrong_kind(fields: Fields, kind: str) -> bool:
    node = fields.mapping.get(kind)
    return node is not None and not isinstance(node, ListNode if kind == "push" else Scalar)


def _cache(fields: Fields, findings: Findings) -> bool:
    word = fields.word("cache")
    if word is not None and word.lower() not in {"enabled", "disabled"}:
        allowed, fix = "enabled, disabled", "write cache: enabled"
        message = "this is no setting of cache"
        findings.error(fields.place("cache"), message, found=word, allowed=allowed, fix=fix)
    return word is not None and word.lower() == "enabled"


def _tell_without_effect(kind: str, fields: Fields, findings: Findings) -> None:
    for key in fields.mapping.entries:
        if key not in KEYS or not fields.has(key) or _acts(kind, key, fields):
            continue
        if kind == "push" and key == "volumeMounts":
            message = "a push step has no volumes"
            findings.error(fields.place(key), message, fix="remove volumeMounts")
        else:
            message = f'"{key}" has no effect on a {kind} step'
            findings.warn(fields.place(key), message, fix=_INSTEAD.get((kind, key), "remove it"))


def _acts(kind: str, key: str, fields: Fields) -> bool:
    if (kind, key) == ("build", "network"):
        node = fields.mapping.get(key)
        return not isinstance(node, Scalar) or node.text == "none"
    return key in EFFECTIVE[kind]


# --------------------------------------------------------------------- push
def _push(frame: StepFrame, fields: Fields, findings: Findings) -> PushStep:
    images: dict[str, None] = {}
    for node, name in zip(fields.scalars("push"), fields.words("push"), strict=True):
        check_image(name, node, findings)
        whole = name if ":" in name or "@" in name else f"{name}:latest"
        images[whole] = None
    return PushStep(**frame.values(), images=tuple(images))
