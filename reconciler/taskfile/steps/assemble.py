"""The tree of a whole task file to its data: sections, defaults, steps in order. Renders nothing.

Source of the rules:
https://learn.microsoft.com/azure/container-registry/container-registry-tasks-reference-yaml
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.taskfile.faults import Fault
from reconciler.taskfile.findings import Findings
from reconciler.taskfile.inputs import Inputs
from reconciler.taskfile.steps.container import Surroundings
from reconciler.taskfile.steps.environment import Entry, merge, split_level, step_level
from reconciler.taskfile.steps.graph import Wish, resolve
from reconciler.taskfile.steps.resources import (
    one_default,
    read_networks,
    read_secrets,
    read_volumes,
    working_directory,
)
from reconciler.taskfile.steps.step import draft_steps, read_step
from reconciler.taskfile.tasks import (
    DEFAULT_NETWORK,
    DEFAULT_STEP_TIMEOUT,
    DEFAULT_WORKING_DIRECTORY,
    Network,
    Step,
    TaskFile,
)
from reconciler.taskfile.tree.fields import Fields
from reconciler.taskfile.tree.nodes import Mapping, Node, Scalar, kind_name

VERSIONS = ("1.0-preview-1", "v1.0.0", "v1.1.0")
KEYS = (
    *("version", "steps", "stepTimeout", "workingDirectory", "env"),
    *("secrets", "networks", "volumes", "alias"),
)
_START = Fault("")  # line 1, column 1


@dataclass(frozen=True, slots=True)
class Expansion:
    """How secrets and image aliases are put in; `resolved` if the secrets have their values."""

    reveal: Callable[[str], str]
    image_alias: Callable[[str], str | None]
    resolved: bool
    expands_aliases: bool


def assemble(
    node: Node | None, findings: Findings, expansion: Expansion, inputs: Inputs
) -> TaskFile:
    """The task file of a tree; problems are noted in `findings`."""
    if node is None or (isinstance(node, Scalar) and node.is_null):
        _no_steps(_START, findings)
        node = Mapping({}, 1, 1)
    if not isinstance(node, Mapping):
        fix = "start with version: v1.1.0 and steps:"
        findings.error(node, "a task file is a map", found=kind_name(node), fix=fix)
        return TaskFile()
    fields = Fields(node, findings, KEYS, "a task file", expansion.reveal)
    version = _version(fields, findings, expansion)
    secrets = read_secrets(fields.maps("secrets"), findings, expansion.reveal)
    volumes = read_volumes(
        fields.maps("volumes"), findings, expansion.reveal, resolved=expansion.resolved
    )
    networks, network = _networks(fields, findings, expansion, inputs)
    levels = _environment(fields, findings, inputs)
    timeout = fields.seconds("stepTimeout")
    around = Surroundings(
        timeout=timeout if timeout > 0 else DEFAULT_STEP_TIMEOUT,
        working_directory=_working_directory(fields, inputs),
        network=network,
        environment=levels,
        volumes=frozenset(volume.name for volume in volumes),
        networks=frozenset(item.name for item in networks),
        image_alias=expansion.image_alias,
        reveal=expansion.reveal,
    )
    return TaskFile(
        version=version,
        steps=_steps(fields, findings, around),
        networks=networks,
        volumes=volumes,
        secrets=secrets,
        step_timeout=around.timeout,
        working_directory=around.working_directory,
        env=merge(((), *levels), _for_the_task(findings), expansion.reveal),
    )


def _for_the_task(findings: Findings) -> Findings:
    """ACR's engine looks at the task's variables only where a step takes them."""
    return findings if findings.strict else Findings(findings.manner, findings.locate)


def _no_steps(at: Fault | Mapping | Scalar, findings: Findings) -> None:
    fix = "add steps: with at least one cmd, build or push"
    findings.doubt(at, "this task file has no steps: nothing would run", fix=fix)


def _version(fields: Fields, findings: Findings, expansion: Expansion) -> str:
    written = fields.word("version")
    version = (written or "v1.0.0").lower()
    if version not in VERSIONS:
        near = f"v{version}" if f"v{version}" in VERSIONS else "v1.1.0"
        findings.error(
            fields.place("version"),
            "this version of task files does not exist",
            found=written,
            allowed=", ".join(VERSIONS),
            fix=f"write version: {near}",
        )
    elif version == "v1.1.0" and not expansion.expands_aliases:
        fix = "write version: v1.1.0 at the start of its own line, without anchor or tag"
        findings.doubt(fields.place("version"), "aliases stay off with this version line", fix=fix)
    if fields.has("alias"):
        _stray_alias(fields, findings, expands=expansion.expands_aliases)
    return version


def _stray_alias(fields: Fields, findings: Findings, *, expands: bool) -> None:
    if expands:
        message = "an alias block stands right after another, or not at the start of a line"
        fix = "keep one alias block, at column 1"
    else:
        message, fix = "aliases need version v1.1.0", "write version: v1.1.0"
    findings.doubt(fields.place("alias"), message, fix=fix)


# ----------------------------------------------------------------- defaults
def _networks(
    fields: Fields, findings: Findings, expansion: Expansion, inputs: Inputs
) -> tuple[tuple[Network, ...], str | None]:
    """The networks of the run, and the one that holds for steps."""
    networks = read_networks(fields.maps("networks"), findings, expansion.reveal)
    if inputs.network:
        joined = Network(inputs.network, "external", create=False, is_default=True)
        networks = one_default((*networks, joined))
    elif not networks and not _is_build_task(fields, findings):
        networks = (Network(DEFAULT_NETWORK, "bridge", is_default=True),)
    default = next((item for item in networks if item.is_default), None)
    return networks, default.name if default and default.name else None


def _is_build_task(fields: Fields, findings: Findings) -> bool:
    # An inner field that ACR's engine lets a file set: there is no default network then.
    return not findings.strict and fields.flag("isbuildtask")


def _environment(
    fields: Fields, findings: Findings, inputs: Inputs
) -> tuple[list[Entry], list[Entry]]:
    """The entries of the task and the defaults from outside."""
    place = fields.place("env")
    outside = [Scalar(text, False, place.line, place.column) for text in inputs.environment]
    # ACR's engine splits what comes from outside at commas too.
    defaults = step_level(outside, findings) if findings.strict else split_level(outside, findings)
    return split_level(fields.scalars("env"), findings), defaults


def _working_directory(fields: Fields, inputs: Inputs) -> str:
    default = working_directory(inputs.working_directory, DEFAULT_WORKING_DIRECTORY)
    return working_directory(fields.word("workingDirectory"), default)


# -------------------------------------------------------------------- steps
def _steps(fields: Fields, findings: Findings, around: Surroundings) -> tuple[Step, ...]:
    maps = fields.maps("steps")
    if not maps and not findings.refused:
        _no_steps(fields.place("steps"), findings)
    drafts = draft_steps(maps, findings, around.reveal)
    wishes = [Wish(draft.id, draft.at, draft.when) for draft in drafts]
    needs = resolve(wishes, findings)
    found = [
        read_step(draft, needed, around, findings)
        for draft, needed in zip(drafts, needs, strict=True)
    ]
    return tuple(step for step in found if step is not None)
