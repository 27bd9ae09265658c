"""What a task may not do to the machine it runs on, to its image, or to itself."""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Annotated, Any

from pydantic import Field

from reconciler.base.source import Path
from reconciler.model.common import Flag, Model, OneOrMany, Word
from reconciler.model.step import DockerTask, FileTask, InlineTask
from reconciler.model.task import Task
from reconciler.policy.rule import BuiltIn, Finding, Predicate, fails, ignores, passes

Globs = Annotated[tuple[Word, ...], OneOrMany]


class SecretsAsArguments(Model):
    """Parameters of secrets-as-arguments."""

    names: Globs = Field(
        default=(
            "*token",
            "*secret",
            "*password",
            "*passwd",
            "*pwd",
            "*_pat",
            "*apikey",
            "*api_key",
            "*private_key",
            "*credential",
            "*credentials",
        ),
        description="globs of argument names that look like secrets; case does not count",
    )
    allow: Globs = Field(default=(), description="names that are no secrets all the same")


def _arguments(task: Task) -> Iterator[tuple[Path, str]]:
    at: Path = ("spec", "step")
    match task.spec.step:
        case DockerTask(docker=docker):
            yield from (((*at, "docker", "args", name), name) for name in docker.args)
        case FileTask(file=file):
            yield from (((*at, "file", "set", name), name) for name in file.set)
        case InlineTask(inline=inline):
            yield from (((*at, "inline", "set", name), name) for name in inline.set)
            yield from (((*at, "inline", "values", name), name) for name in inline.values)
            for index, text in enumerate(inline.env):
                yield (*at, "inline", "env", index), text.partition("=")[0]
            for number, step in enumerate(inline.steps):
                for index, text in enumerate(step.env):
                    name, _, value = text.partition("=")
                    # What a template or the container's own environment gives is no plain value.
                    if value and not value.startswith(("{{", "$")):
                        yield (*at, "inline", "steps", number, "env", index), name


@functools.lru_cache(maxsize=256)
def one_of_globs(globs: tuple[str, ...]) -> Callable[[str], object]:
    """A test whether a lower-case word matches one of some globs; compiled once."""
    return re.compile("|".join(fnmatch.translate(glob.lower()) for glob in globs) or "(?!)").match


def _has_arguments(_params: SecretsAsArguments, task: Task) -> bool:
    return next(_arguments(task), None) is not None


def _no_secret_names(params: SecretsAsArguments, task: Task, _today: date) -> Iterator[Finding]:
    listed, allowed = one_of_globs(params.names), {name.lower() for name in params.allow}
    for path, name in _arguments(task):
        if listed(name.lower()) and name.lower() not in allowed:
            # The value is not shown: if it is a secret, it must not spread further.
            yield Finding(
                path,
                f"{name} looks like a secret, and arguments stay readable in image and logs",
                name,
                "secrets (docker) or setSecret (file, inline), with a reference",
                "give it as a secret reference, or list the name in params.allow",
            )


def secret_looking(task: Task) -> list[Path]:
    """The plain values of a task that look like secrets: by name, as this rule has it by default,
    and the contents of volumes that are made of secrets."""
    listed = one_of_globs(SecretsAsArguments().names)
    found = [path for path, name in _arguments(task) if listed(name.lower())]
    step = task.spec.step
    if isinstance(step, InlineTask):
        at: Path = ("spec", "step", "inline", "volumes")
        found += (
            (*at, number, "secret", name)
            for number, volume in enumerate(step.inline.volumes)
            for name, text in volume.secret.items()
            if text and not text.startswith("{{")
        )
    return found


class DockerSocket(Model):
    """Parameters of docker-socket."""

    allow_socket: Flag = Field(default=False, description="allow spec.dockerSocket: true")
    allow_privileged: Flag = Field(default=False, description="allow privileged steps")


def _socket_closed(_params: DockerSocket, task: Task, _today: date) -> Iterator[Finding]:
    if task.spec.docker_socket:
        yield Finding(
            ("spec", "dockerSocket"),
            "the task's steps get the engine's socket, which is root on the build machine",
            "true",
            "false",
            "build and push with the task's own steps and remove dockerSocket",
        )


def _is_inline(params: DockerSocket, task: Task) -> bool:
    return not params.allow_privileged and isinstance(task.spec.step, InlineTask)


def _no_privileges(_params: DockerSocket, task: Task, _today: date) -> Iterator[Finding]:
    if not isinstance(task.spec.step, InlineTask):
        return
    for index, step in enumerate(task.spec.step.inline.steps):
        if step.privileged:
            yield Finding(
                ("spec", "step", "inline", "steps", index, "privileged"),
                f"step {step.id or index + 1} is privileged, which is root on the build machine",
                "true",
                "false",
                "remove privileged, or name the one thing it needs",
            )


class ProtectRequired(Model):
    """protect-required has no parameters; choose its tasks with match."""


def _protected(_params: ProtectRequired, task: Task, _today: date) -> Iterator[Finding]:
    if not task.spec.protect:
        yield Finding(
            ("spec", "protect"),
            "the task is not protected from destroy",
            "false",
            "true",
            "set spec.protect: true",
        )


def _docker(**docker: object) -> dict[str, Any]:
    return {"spec": {"step": {"docker": docker}}}


def _inline(**step: object) -> dict[str, Any]:
    return {"spec": {"step": {"inline": {"steps": [{"id": "test", "cmd": "busybox id", **step}]}}}}


ARGUMENTS = BuiltIn(
    name="secrets-as-arguments",
    title="Secrets are not given as build arguments or plain values",
    description=(
        "A build argument stays in the image's history and a plain value in the run's record. "
        "Names are judged, not values. Secrets belong in secrets or setSecret, as references."
    ),
    params=SecretsAsArguments,
    severity="high",
    predicates=(
        Predicate(
            "no-secret-names",
            "no argument is named like a secret",
            _no_secret_names,
            _has_arguments,
        ),
    ),
    examples=(
        passes("a version", _docker(args={"VERSION": "1.2"})),
        passes("an exception", _docker(args={"CSRF_TOKEN": "off"}), allow="CSRF_TOKEN"),
        ignores("a secret mount", _docker(secrets={"NPM_TOKEN": "env:NPM_TOKEN"})),
        fails("an argument", _docker(args={"NPM_TOKEN": "x"})),
        fails(
            "a task file's value",
            {"spec": {"step": {"file": {"path": "task.yaml", "set": {"dbPassword": "x"}}}}},
        ),
    ),
    fix="give it as a secret reference",
    controls=("SOC 2 CC6.1", "CIS Docker 4.10"),
)

SOCKET = BuiltIn(
    name="docker-socket",
    title="No step gets the engine's socket or runs privileged",
    description="Either one is root on the build machine, and so on every other task's secrets.",
    params=DockerSocket,
    severity="critical",
    predicates=(
        Predicate(
            "socket-not-mounted",
            "dockerSocket is false",
            _socket_closed,
            lambda params, _task: not params.allow_socket,
        ),
        Predicate("no-privileged-steps", "no step is privileged", _no_privileges, _is_inline),
    ),
    examples=(
        passes("a docker step", {}),
        passes("an ordinary step", _inline()),
        fails("the socket", {"spec": {"dockerSocket": True}}),
        fails("a privileged step", _inline(privileged=True)),
    ),
    fix="remove dockerSocket and privileged",
    controls=("CIS Docker 5.4", "CIS Docker 5.31"),
)

PROTECT = BuiltIn(
    name="protect-required",
    title="Important tasks cannot be destroyed by accident",
    description="Choose the tasks with match, for example labels: {tier: prod}.",
    params=ProtectRequired,
    severity="low",
    predicates=(Predicate("protected", "spec.protect is true", _protected),),
    examples=(
        passes("protected", {"spec": {"protect": True}}),
        fails("not protected", {}),
    ),
    fix="set spec.protect: true",
    controls=("SOC 2 CC8.1",),
)
