"""The layers of a build step, kept in the registry between runs: `cache: enabled`. Builds nothing.

Source of the name and of the property:
https://learn.microsoft.com/azure/container-registry/container-registry-tasks-reference-yaml
A cache makes a build faster and nothing else: without one it is done all the same.
"""

from __future__ import annotations

from collections.abc import Collection

from reconciler.base.errors import RegistryRefused
from reconciler.model.build import Login
from reconciler.model.image import parse_reference
from reconciler.runner.failure import Failure
from reconciler.runner.ports import Builder, Images
from reconciler.runner.pushable import check_pushable
from reconciler.runner.work import Work
from reconciler.taskfile.steps.buildarguments import cache_reference
from reconciler.taskfile.tasks import BuildStep


def cache_name(step: BuildStep, builder: Builder, work: Work) -> str | None:
    """Where the layers of a step are kept; None where they are not, and said why if wanted."""
    if not step.cache:
        return None
    request = work.request
    name = cache_reference(
        step.build.tags,
        registry=request.login_server or "",
        task_name=request.task_name if request.task else "",
        step_id=step.id,
    )
    why = _hindrance(name, builder, work)
    if why is not None:
        work.ledger.say(step.id, f"note: no cache is kept: {why}")
        return None
    return name


def keeps_layers(
    name: str | None, step: BuildStep, builder: Builder, secrets: Collection[str], work: Work
) -> bool:
    """Whether a builder may push the layers of a build; said why not if it is for its secrets.

    One that does it while it builds would push them before anybody has searched them.
    """
    if name is None or builder.cache != "registry" or not secrets:
        return True
    why = f"the {builder.name} builder would push layers before they are searched for its secrets"
    work.ledger.say(step.id, f"note: no cache is kept of this build: {why}")
    return False


def _hindrance(name: str | None, builder: Builder, work: Work) -> str | None:
    if name is None:
        return "the image has no name in a registry"
    if builder.cache == "none":
        return f"the {builder.name} builder cannot; install a docker client with BuildKit"
    try:
        check_pushable(name, "its place", work)
    except Failure as failure:
        return failure.message
    return None


def cache_login(name: str | None, step: BuildStep, builder: Builder, work: Work) -> Login | None:
    """The login for a cache that the builder itself takes and keeps; None if there is none."""
    if name is None or builder.cache != "registry":
        return None
    try:
        return work.login(parse_reference(name).registry or "docker.io")
    except RegistryRefused as error:
        work.ledger.say(step.id, f"warning: no login for the cache: {error.message}")
        return None


def keep_cache(name: str, step: BuildStep, images: Images, work: Work) -> None:
    """Push the layers of a build that is done and keeps them in its image. Raises Stop."""
    registry = parse_reference(name).registry or "docker.io"
    try:
        result = images.push(name, work.login(registry), work.watch)
    except RegistryRefused as error:
        work.ledger.say(step.id, f"warning: the cache {name} is not kept: {error.message}")
        return
    if result.stopped:
        work.watch.check()
    if result.refusal is not None:
        work.ledger.say(step.id, f"warning: the cache {name} is not kept: {result.message}")
