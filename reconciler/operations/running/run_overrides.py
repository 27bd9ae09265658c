"""A task tried with other values: the words of `run`, and what they change. Runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from reconciler.base.diagnostics import has_errors
from reconciler.base.errors import InvalidInput, WrongUsage
from reconciler.base.source import Located
from reconciler.model.context import (
    SUPPORTED,
    Context,
    ContextKind,
    Location,
    Submodules,
    Token,
    context_kind,
)
from reconciler.model.step import DockerStep, FileStep
from reconciler.model.task import Task
from reconciler.operations.running.task_values import refuse_lines
from reconciler.runner.multistep import MultiStep

if TYPE_CHECKING:
    from reconciler.operations.workspace import OpenWorkspace

# A name or an address -> the task as its spec on disk declares it, None if no spec does.
Declares = Callable[[str], Located[Task] | None]


@dataclass(frozen=True, slots=True)
class TaskWords:
    """The words of `run`: overrides are None or empty where the task's own value holds.

    `folder` is where the person stands: a `context` that is a folder is relative to it.
    """

    name: str
    push: bool | None = None
    no_cache: bool = False
    timeout: int | None = None
    context: str | None = None
    folder: str = "."
    args: Sequence[str] = ()
    target: str | None = None
    settings: Sequence[str] = ()

    @property
    def tries(self) -> bool:
        """True if a person tries a spec: the one on disk is meant, applied or not."""
        return bool(self.context or self.args or self.target or self.settings or self.push is False)


def on_disk(opened: OpenWorkspace, words: TaskWords) -> Declares:
    """Looks a task up in the specs of a workspace. Raises InvalidInput if they hide it.

    Nobody has reviewed such a spec, so what may be published must pass the policies first
    (PolicyBlocked), as it must before it is applied.
    """
    from reconciler.operations.reading.gather import read_declared  # noqa: PLC0415  (late)
    from reconciler.operations.reading.validate import refuse_if_blocked  # noqa: PLC0415  (late)

    def find(name: str) -> Located[Task] | None:
        declared = read_declared(opened)
        found = [item for item in declared.tasks() if _is_called(item.value, name)]
        if len(found) > 1:
            addresses = ", ".join(item.value.address for item in found)
            raise WrongUsage(f"{name} is the name of {len(found)} specs: {addresses}")
        if not found and has_errors(declared.diagnostics):
            # The spec that is meant may be one of the wrong ones: an older one must not be run.
            raise InvalidInput(declared.diagnostics)
        if found and words.push is not False:
            refuse_if_blocked(opened, found[0], opened.clock().date())
        return found[0] if found else None

    return find


def _is_called(task: Task, name: str) -> bool:
    return name in {task.address, task.metadata.name}


# -------------------------------------------------------------------- context
@dataclass(frozen=True, slots=True)
class Place:
    """Where a run takes its files from. `folder` and `submodules` as in RunRequest."""

    source: str
    token: Token | None
    folder: str | None = None
    submodules: Submodules | None = None


def place_of_context(context: Context, words: TaskWords) -> Place:
    """The context of the task, or the one of the words. Raises WrongUsage.

    The task's token goes along only where the host is the same: it was made for that one.
    """
    if words.context is None:
        return Place(context.source, context.token, submodules=context.submodules)
    source = checked_location(words.context)
    if context_kind(source) is ContextKind.LOCAL:
        return Place(source, None, words.folder)
    same = _origin(source) == _origin(context.source)
    if not same or context_kind(source) is not ContextKind.GIT:
        return Place(source, context.token if same else None)
    return Place(source, context.token, submodules=context.submodules)


def checked_location(text: str) -> str:
    """A context location. Raises WrongUsage, without the text: a token may stand in it."""
    if not text:
        raise WrongUsage(f"this is no context: it is empty; {SUPPORTED}")
    try:
        return str(TypeAdapter(Location).validate_python(text))
    except ValidationError as error:
        told = error.errors(include_input=False)[0]["msg"]
        raise WrongUsage(f"this is no context: {told}") from None


def _origin(source: str) -> tuple[str, str]:
    full = f"https://{source}" if source.startswith("github.com/") else source
    parts = urlsplit(full)
    return parts.scheme, parts.netloc.lower()


# ----------------------------------------------------------------------- step
def overridden_step(step: DockerStep, words: TaskWords) -> DockerStep:
    """The docker step with the words' values. Raises WrongUsage."""
    if words.settings:
        raise WrongUsage(
            "--set gives values to a task file; this task has a docker step",
            hint="give build arguments with --arg NAME=VALUE",
        )
    wanted = {"push": words.push, "no_cache": words.no_cache or None, "target": words.target}
    changes = {name: value for name, value in wanted.items() if value is not None}
    arguments = {**step.args, **dict(_pairs("--arg", words.args))}
    fields = {**step.model_dump(), **changes, "args": arguments}
    try:
        return DockerStep.model_validate(fields, by_name=True)
    except ValidationError as error:
        told = error.errors(include_input=False)[0]["msg"]
        raise WrongUsage(f"--arg: {told}") from None


def overridden_steps(multi: MultiStep, words: TaskWords) -> MultiStep:
    """The steps of a task file with the words' values. Raises WrongUsage."""
    given = {"--arg": words.args, "--target": words.target, "--no-cache": words.no_cache}
    for flag, value in given.items():
        if value:
            raise WrongUsage(f"{flag} is for a docker step; this task has a task file")
    source = multi.source
    given_values = dict(_pairs("--set", words.settings))
    if isinstance(source, FileStep) and multi.compat == "strict":
        refuse_lines(given_values)
    values = {**source.set, **given_values}
    try:
        changed = type(source).model_validate({**source.model_dump(), "set": values}, by_name=True)
    except ValidationError as error:
        told = error.errors(include_input=False)[0]["msg"]
        raise WrongUsage(f"--set: {told}") from None
    kind = "file" if isinstance(changed, FileStep) else "inline"
    return multi.model_copy(update={kind: changed})


def _pairs(flag: str, words: Sequence[str]) -> Iterator[tuple[str, str]]:
    for text in words:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise WrongUsage(f"{flag} takes NAME=VALUE", hint="a secret goes into the spec")
        yield name, value


def told_overrides(words: TaskWords, file: str | None) -> dict[str, str]:
    """What the record says was not as the applied task has it. `file`: the spec on disk."""
    wanted = {
        "spec": file,
        "context": words.context,
        "target": words.target,
        "push": words.push,
        "no_cache": words.no_cache or None,
        "timeout": words.timeout,
        **{f"args.{name}": value for name, value in _pairs("--arg", words.args)},
        **{f"set.{name}": value for name, value in _pairs("--set", words.settings)},
    }
    return {name: _spelled(value) for name, value in wanted.items() if value is not None}


def _spelled(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
