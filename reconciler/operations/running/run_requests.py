"""From words to a run request: which registry, which task, which secrets. Runs nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import ValidationError

from reconciler.base.errors import ReconcilerError, StateUnusable, WrongUsage
from reconciler.base.ids import Randomness, new_id, random_bytes
from reconciler.base.text import one_line
from reconciler.model.platform import canonical_platform
from reconciler.model.step import DockerStep
from reconciler.model.task import Task
from reconciler.operations.naming import address_of
from reconciler.operations.running.only_file import only_file
from reconciler.operations.running.registries import login_server_of
from reconciler.operations.running.run_overrides import (
    Declares,
    TaskWords,
    checked_location,
    overridden_step,
    overridden_steps,
    place_of_context,
    told_overrides,
)
from reconciler.runner.multistep import multi_step
from reconciler.runner.request import RunRequest

if TYPE_CHECKING:
    from reconciler.model.workspace import Workspace
    from reconciler.providers.base import Provider

_SECRET = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*)=((?:env|file):\S+)")
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SHORTEST_TIMEOUT, LONGEST_TIMEOUT = 1, 28800


class UnknownTask(ReconcilerError):
    """No applied task has this name."""

    code = "unknown-task"


@dataclass(frozen=True, slots=True)
class BuildWords:
    """The words of `build`, as they were written; `folder` is where the person stands."""

    source: str
    folder: str = "."
    registry: str | None = None
    images: Sequence[str] = ()
    file: str = "Dockerfile"
    platform: str = "linux/amd64"
    args: Sequence[str] = ()
    secrets: Sequence[str] = ()
    target: str | None = None
    push: bool = True
    no_cache: bool = False
    timeout: int = 3600
    given: bytes | None = None  # by standard input


def new_run_id(randomness: Randomness = random_bytes) -> str:
    """`r` and six letters."""
    return new_id("r", 6, randomness)


def build_request(words: BuildWords, workspace: Workspace, actor: str) -> RunRequest:
    """The request of a quick build. Raises WrongUsage."""
    push = words.push and bool(words.images)
    source = checked_location(words.source)
    file = only_file(source, words.file, words.folder, words.given)
    return RunRequest(
        id=new_run_id(),
        actor=actor,
        source=source,
        folder=words.folder,
        step=_docker_step(replace(words, file=file.name), push),
        text=file.text,
        login_server=login_server_of(words.registry, workspace, needed=push),
        platform=platform_of(words.platform),
        timeout=check_timeout(words.timeout),
    )


def _docker_step(words: BuildWords, push: bool) -> DockerStep:
    fields = {
        "file": words.file,
        "images": tuple(words.images),
        "push": push,
        "args": dict(map(_argument, words.args)),
        "secrets": dict(map(secret_reference, words.secrets)),
        "target": words.target,
        "noCache": words.no_cache,
    }
    try:
        return DockerStep.model_validate(fields)
    except ValidationError as error:
        raise WrongUsage(_wrong_word(error, words)) from None


def _wrong_word(error: ValidationError, words: BuildWords) -> str:
    """What is wrong first. Only names of images are repeated: other words may hold a secret."""
    first = error.errors(include_input=False)[0]
    match first["loc"]:
        case ("images", int(number), *_):
            name = one_line(tuple(words.images)[number], 60)
            return f"the image name {name} is not legal: {first['msg']}"
        case place:
            return f"{'.'.join(map(str, place)) or 'build'}: {first['msg']}"


def _argument(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise WrongUsage("--build-arg takes NAME=VALUE", hint="a secret goes into --secret")
    return name, value


def secret_reference(text: str) -> tuple[str, str]:
    """(name, reference) of NAME (from the environment) or NAME=env:X or NAME=file:P.

    Raises WrongUsage, which does not repeat the text: it may be a secret.
    """
    if _PLAIN_NAME.fullmatch(text):
        return text, f"env:{text}"
    match = _SECRET.fullmatch(text)
    if match is None:
        raise WrongUsage(
            "--secret takes NAME, NAME=env:VARIABLE or NAME=file:PATH, never a value",
            hint="a value on the command line stands in the process list and the shell's history",
        )
    return match[1], match[2]


def platform_of(text: str) -> str:
    """A platform in its canonical spelling. Raises WrongUsage."""
    try:
        return canonical_platform(text)
    except ValueError as error:
        raise WrongUsage(f"--platform: {error}") from None


def check_timeout(seconds: int) -> int:
    """A timeout of a run in seconds. Raises WrongUsage."""
    if not SHORTEST_TIMEOUT <= seconds <= LONGEST_TIMEOUT:
        raise WrongUsage(f"a timeout is {SHORTEST_TIMEOUT} to {LONGEST_TIMEOUT} seconds")
    return seconds


# --------------------------------------------------------------------- tasks
def task_request(
    words: TaskWords,
    workspace: Workspace,
    provider: Provider,
    actor: str,
    declares: Declares = lambda _name: None,
) -> RunRequest:
    """The request of a task: the applied one; one that is tried as its spec on disk has it.

    Raises UnknownTask, WrongUsage or InvalidInput.
    """
    located = declares(words.name) if words.tries else None
    task = located.value if located else find_task(words.name, provider)
    registry = workspace.registry(task.metadata.registry)
    if registry is None:
        raise UnknownTask(
            f"the registry {task.metadata.registry} of {task.address} is not in reconciler.yaml"
        )
    spec, logins = task.spec, task.spec.credentials.registries
    multi = multi_step(spec, push=words.push is not False)
    place = place_of_context(spec.context, words)
    return RunRequest(
        id=new_run_id(),
        actor=actor,
        source=place.source,
        folder=place.folder,
        token=place.token,
        submodules=place.submodules,
        step=overridden_step(spec.docker, words) if spec.docker else DockerStep(push=False),
        multi=overridden_steps(multi, words) if multi else None,
        task=task.address,
        login_server=registry.login_server,
        registries=tuple(logins),
        platform=spec.platform,
        timeout=check_timeout(words.timeout or spec.timeout),
        offline=spec.network.egress == "none",
        overrides=told_overrides(words, located.source.file if located else None),
        logins=logins,
    )


def find_task(name: str, provider: Provider) -> Task:
    """The live task of an address or a unique name. Raises UnknownTask or WrongUsage."""
    if "/" in name:
        found = provider.read(name)
        if found is not None:
            return _task_of(name, found.document)
    live = {task.address: task.document for task in provider.read_all()}
    address = address_of(
        name,
        live,
        "applied task",
        missing=UnknownTask,
        otherwise="a task can be run once it is applied",
    )
    return _task_of(address, live[address])


def _task_of(address: str, document: str) -> Task:
    try:
        return Task.model_validate_json(document)
    except ValidationError:
        raise StateUnusable(
            f"the live document of {one_line(address, 120)} is damaged",
            hint="see `reconciler drift`; apply with --heal writes it anew",
        ) from None
