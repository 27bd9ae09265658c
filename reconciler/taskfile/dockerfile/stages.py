"""A Dockerfile's stages and which stage or image each instruction takes from; rewrites nothing.

Scopes are BuildKit's: only an ARG before the first FROM counts in FROM, a build argument only
overrides a declared one, `--from` takes no variables, stage names ignore case.
https://docs.docker.com/reference/dockerfile/#understand-how-arg-and-from-interact
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.taskfile.dockerfile.arguments import Scope, platform_arguments
from reconciler.taskfile.dockerfile.instructions import Dockerfile, Instruction
from reconciler.taskfile.dockerfile.logicallines import DockerfileError
from reconciler.taskfile.dockerfile.uses import (
    STAGE_NUMBER,
    Use,
    checked,
    only_flag,
    trigger_uses,
    uses_of,
)

SCRATCH = "scratch"

_KNOWN = {
    *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK"),
    *("LABEL", "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
}
# Stages that start from one with many ONBUILDs multiply them; no honest file comes near.
_USES_LIMIT = 50_000
_BLANKS = re.compile(r"[\t\v\f\r ]+")
_STAGE_NAME = re.compile(r"[a-z][a-z0-9-_.]*")


@dataclass(frozen=True, slots=True)
class Stage:
    """One FROM and what follows it; `parent` is the earlier stage that it starts from, if any."""

    index: int
    name: str
    base: Use
    parent: int | None
    uses: list[Use] = field(default_factory=list)
    triggers: list[Use] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Stages:
    """All stages in file order, and the index that each lower-case name has."""

    all: tuple[Stage, ...]
    names: Mapping[str, int]

    def target(self, name: str | None) -> Stage:
        """The stage to build: the last one for None; DockerfileError for an unknown name."""
        if not name:
            return self.all[-1]
        number = int(name) if STAGE_NUMBER.fullmatch(name) else -1
        index = self.names.get(name.lower(), number)
        if not 0 <= index < len(self.all):
            raise DockerfileError(f"target stage {name!r} could not be found", 0)
        return self.all[index]

    def needed(self, target: Stage) -> list[Stage]:
        """`target` and every stage that must be built for it, in file order."""
        found, waiting = {target.index}, [target]
        while waiting:
            stage = waiting.pop()
            fresh = {index for index in self._sources(stage) if index not in found}
            found |= fresh
            waiting += [self.all[index] for index in fresh]
        return [self.all[index] for index in sorted(found)]

    def external(self, stage: Stage) -> list[Use]:
        """What the stage takes from outside: images, without `scratch` and other stages."""
        uses = [use for use in self.uses(stage) if self._index(use) is None]
        uses += [stage.base] if stage.parent is None else []
        return [use for use in uses if use.reference != SCRATCH]

    def uses(self, stage: Stage) -> list[Use]:
        """The stage's own `--from` words and those its parent stage left with ONBUILD."""
        inherited = self.all[stage.parent].triggers if stage.parent is not None else []
        return [*stage.uses, *inherited]

    def origin(self, stage: Stage) -> Stage:
        """The first stage of the chain of `FROM stage` that ends here."""
        while stage.parent is not None:
            stage = self.all[stage.parent]
        return stage

    def _sources(self, stage: Stage) -> Iterator[int]:
        if stage.parent is not None:
            yield stage.parent
        for use in self.uses(stage):
            index = self._index(use)
            if index is not None and not 0 <= index < stage.index:
                message = f"{use.reference!r} is no stage before stage {stage.name or stage.index}"
                raise DockerfileError(message, use.instruction.line)
            if index is not None:
                yield index

    def _index(self, use: Use) -> int | None:
        if use.numbered and STAGE_NUMBER.fullmatch(use.reference):
            return int(use.reference)
        return self.names.get(use.reference.lower())


def read_stages(
    dockerfile: Dockerfile,
    *,
    build_args: Mapping[str, str],
    platform: str,
    build_platform: str,
    target: str | None,
) -> Stages:
    """The stages with every word resolved; DockerfileError where BuildKit would refuse the file."""
    scope = Scope(dockerfile.escape, build_args)
    last = [item for item in dockerfile.instructions if item.name == "FROM"][-1:]
    name = target or (_from_words(last[0])[1] if last else "")
    scope.values |= platform_arguments(platform, build_platform, stage=name, overrides=build_args)
    stages: list[Stage] = []
    names: dict[str, int] = {}
    for instruction in dockerfile.instructions:
        if instruction.name not in _KNOWN and dockerfile.syntax is None:
            raise DockerfileError(f"unknown instruction: {instruction.name!r}", instruction.line)
        _read(instruction, stages, names, scope)
    if not stages:
        raise DockerfileError("the Dockerfile has no FROM", 1)
    return _bounded(Stages(tuple(stages), names))


def _bounded(stages: Stages) -> Stages:
    parents = (stages.all[stage.parent] for stage in stages.all if stage.parent is not None)
    total = sum(len(stage.uses) for stage in stages.all)
    if total + sum(len(parent.triggers) for parent in parents) > _USES_LIMIT:
        raise DockerfileError(f"the Dockerfile has more than {_USES_LIMIT} `--from` words", 1)
    return stages


def _read(
    instruction: Instruction, stages: list[Stage], names: dict[str, int], scope: Scope
) -> None:
    if instruction.name == "FROM":
        stage = _stage(instruction, len(stages), names, scope)
        stages.append(stage)
        if stage.name:
            names[stage.name] = stage.index
    elif stages and instruction.name == "ONBUILD":
        stages[-1].triggers.extend(trigger_uses(instruction))
    elif stages:
        stages[-1].uses.extend(uses_of(instruction))
    elif instruction.name == "ARG":
        scope.declare(instruction)
    else:
        raise DockerfileError(f"{instruction.name} stands before the first FROM", instruction.line)


def _from_words(instruction: Instruction) -> tuple[str, str]:
    """Base and lower-case stage name (or empty) of a FROM."""
    words = _BLANKS.split(instruction.arguments)
    if len(words) not in {1, 3} or not words[0] or (words[1:] and words[1].lower() != "as"):
        raise DockerfileError("FROM must be `FROM image` or `FROM image AS name`", instruction.line)
    name = words[2].lower() if words[1:] else ""
    if name and not _STAGE_NAME.fullmatch(name):
        raise DockerfileError(f"invalid stage name {words[2]!r}", instruction.line)
    return words[0], name


def _stage(instruction: Instruction, index: int, names: Mapping[str, int], scope: Scope) -> Stage:
    written, name = _from_words(instruction)
    reference = scope.expand(written, instruction.line)
    if not reference:
        raise DockerfileError(f"the base image {written!r} is empty", instruction.line)
    flag = only_flag(instruction, "platform")
    platform = scope.expand(flag.value or "", instruction.line) if flag else None
    if platform == "":
        raise DockerfileError("--platform is empty", instruction.line)
    at = instruction.arguments_at
    cells = tuple(range(at, at + len(written)))
    parent = names.get(reference.lower())
    use = Use(instruction, written, reference, cells, platform)
    return Stage(index, name, use if parent is not None else checked(use), parent)
