"""What a Dockerfile asks of whoever builds it: commands, mounted secrets, and labels.

https://docs.docker.com/reference/dockerfile/#run---mounttypesecret
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from reconciler.taskfile.dockerfile.instructions import (
    Dockerfile,
    Flag,
    Instruction,
    parse,
    trigger,
)
from reconciler.taskfile.dockerfile.known import known_variables, resolved
from reconciler.taskfile.dockerfile.logicallines import DockerfileError
from reconciler.taskfile.dockerfile.shellpattern import ShellWordError
from reconciler.taskfile.dockerfile.shellwords import shell_words
from reconciler.taskfile.dockerfile.stages import Stage, Stages, read_stages
from reconciler.taskfile.dockerfile.uses import mount_fields

_NO = frozenset(("false", "0", "f"))


@dataclass(frozen=True, slots=True)
class MountedSecret:
    """A secret that a RUN mounts. `optional`: `required=false` is written."""

    id: str
    line: int
    optional: bool


@dataclass(frozen=True, slots=True)
class BuildDemands:
    """What the target's stages ask for. `runs`: commands of the target's own platform.

    `labels` are the names that the target gives its image itself.
    """

    runs: bool
    secrets: tuple[MountedSecret, ...]
    labels: frozenset[str] = frozenset()


def build_demands(
    text: str | bytes,
    *,
    build_args: Mapping[str, str],
    target: str | None,
    platform: str,
    build_platform: str,
) -> BuildDemands:
    """What building `target` (None: the last stage) for `platform` asks for.

    A stage `FROM --platform=$BUILDPLATFORM` runs its commands on `build_platform`. A variable in
    the id of a secret has the value that the file or a build argument gives it; one without is left
    out, for its name is known to the builder only. Raises DockerfileError.
    """
    dockerfile = parse(text)
    stages = read_stages(
        dockerfile,
        build_args=build_args,
        platform=platform,
        build_platform=build_platform,
        target=target,
    )
    built = stages.target(target)
    needed = stages.needed(built)
    runs = [(stage, item) for stage in needed for item in _runs(stage, stages, dockerfile)]
    labels = [
        item for stage in _line(built, stages) for item in _of(stage, stages, dockerfile, "LABEL")
    ]
    return BuildDemands(
        runs=any(_platform(stage, stages) in {None, platform} for stage, _ in runs),
        secrets=tuple(
            secret
            for stage, item in runs
            for secret in _secrets(item, _known(stage, item, stages, dockerfile, build_args))
        ),
        labels=frozenset(name for item in labels for name in _label_names(item)),
    )


def trigger_secrets(text: str) -> tuple[MountedSecret, ...]:
    """What an ONBUILD instruction of a base image mounts; nothing where it cannot be read."""
    try:
        runs = [item for item in parse(text).instructions if item.name == "RUN"]
        return tuple(secret for item in runs for secret in _secrets(item))
    except DockerfileError:
        return ()  # the builder refuses it


def _of(stage: Stage, stages: Stages, dockerfile: Dockerfile, name: str) -> Iterator[Instruction]:
    """The instructions of a name between a stage's FROM and the next one."""
    start = stage.base.instruction.line
    later = stages.all[stage.index + 1 : stage.index + 2]
    end = later[0].base.instruction.line if later else dockerfile.instructions[-1].end_line + 1
    for item in dockerfile.instructions:
        if item.name == name and start < item.line < end:
            yield item


def _runs(stage: Stage, stages: Stages, dockerfile: Dockerfile) -> Iterator[Instruction]:
    """The commands of a stage, first those that the stage it starts from left with ONBUILD."""
    if stage.parent is not None:
        left = _of(stages.all[stage.parent], stages, dockerfile, "ONBUILD")
        yield from (inner for item in left if (inner := trigger(item)).name == "RUN")
    yield from _of(stage, stages, dockerfile, "RUN")


def _line(stage: Stage, stages: Stages) -> Iterator[Stage]:
    """A stage, and the stages of the file that it starts from."""
    yield stage
    while stage.parent is not None:
        stage = stages.all[stage.parent]
        yield stage


def _label_names(instruction: Instruction) -> Iterator[str]:
    """The names of `LABEL a=1 "b"=2`, or of the old `LABEL a 1`."""
    try:
        words = shell_words(instruction.arguments, raw=False)
    except ShellWordError:
        return  # the builder refuses it
    if words and "=" not in words[0]:
        yield words[0]
        return
    yield from (word.partition("=")[0] for word in words)


def _platform(stage: Stage, stages: Stages) -> str | None:
    return stages.origin(stage).base.platform


def _known(
    stage: Stage,
    run: Instruction,
    stages: Stages,
    dockerfile: Dockerfile,
    build_args: Mapping[str, str],
) -> dict[str, str]:
    """The variables of a RUN; without one in its mounts there is no need to look."""
    if not any(flag.name == "mount" and "$" in (flag.value or "") for flag in run.flags):
        return {}
    first = stages.all[0].base.instruction.line
    outer = [item for item in dockerfile.instructions if item.line < first]
    chain = reversed(list(_line(stage, stages)))
    inside = [
        item
        for one in chain
        for name in ("ARG", "ENV")
        for item in _of(one, stages, dockerfile, name)
        if item.line < run.line and (name == "ENV" or one is stage)
    ]
    inside.sort(key=lambda item: item.line)
    return known_variables(inside, build_args, known_variables(outer, build_args, {}))


def _secrets(
    instruction: Instruction, known: Mapping[str, str] | None = None
) -> Iterator[MountedSecret]:
    for flag in instruction.flags:
        found = _secret(flag, instruction.line) if flag.name == "mount" else None
        if found is not None and "$" in found.id:
            found = replace(found, id=resolved(found.id, known or {}))
        if found is not None and "$" not in found.id:
            yield found


def _secret(flag: Flag, line: int) -> MountedSecret | None:
    values = {key: value for key, value, _ in mount_fields(flag, line)}
    if values.get("type", "").lower() != "secret":
        return None
    target = next((values[key] for key in ("target", "dst", "destination") if key in values), "")
    source = values.get("source") or values.get("src") or values.get("id")
    optional = values.get("required", "true").lower() in _NO
    return MountedSecret(source or posixpath.basename(target), line, optional)
