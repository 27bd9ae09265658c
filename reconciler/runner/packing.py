"""A build with Cloud Native Buildpacks: one step that runs the lifecycle of a builder image.

The lifecycle's `creator` detects, builds and exports straight to the registry. It is started as
root, reads the logins, gives the folders to the user that the builder names, and goes on as that
user: buildpacks never see the logins, which lie in memory, in a file of root.
Sources: https://github.com/buildpacks/spec (platform.md), https://buildpacks.io/docs
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from reconciler.base.errors import RegistryRefused
from reconciler.base.text import one_line
from reconciler.model.build import Login
from reconciler.model.image import parse_reference
from reconciler.model.run import BaseImage, Reason
from reconciler.runner.bases import Found, registry_of
from reconciler.runner.failure import Failure
from reconciler.runner.multistep import PackBuild
from reconciler.runner.names import image_names
from reconciler.runner.push import note_pushed
from reconciler.runner.pushable import check_pushable
from reconciler.runner.site import Site
from reconciler.runner.stepimage import provide_fitting, with_tag
from reconciler.runner.variables import RunVariables
from reconciler.runner.work import Work
from reconciler.taskfile.tasks import CmdStep, Mount, TaskFile, Volume

BUILDER_LABEL = "io.buildpacks.builder.metadata"
CREATOR = "/cnb/lifecycle/creator"
STEP = "pack"
# ACR's limit for this step, in seconds.
_LONGEST = 28800
# The newest version of the platform interface whose creator takes what is given to it here.
_NEWEST_API = (0, 14)
_LOGINS = "registry-logins"
_LOGINS_AT = "/run/registry-logins"
_HUB, _HUB_KEY = "docker.io", "https://index.docker.io/v1/"
_START = (
    ': "${CNB_USER_ID:?the builder image does not say which user builds}"; '
    'mkdir -p /layers && chown -R "$CNB_USER_ID:${CNB_GROUP_ID:-$CNB_USER_ID}" /layers /workspace '
    f'&& exec {CREATOR} "$@"'
)


def pack_task(pack: PackBuild, variables: RunVariables, work: Work) -> TaskFile:
    """The one step of the build, as a task file would have it. Raises Failure."""
    request = work.request
    names = image_names(pack.images, variables, request.login_server, request.registries)
    for name in names:
        check_pushable(name, f"image {one_line(name)}", work)
    hosts = (*map(registry_of, names), registry_of(pack.builder))
    logins = {host: login for host in dict.fromkeys(hosts) if (login := work.login(host))}
    step = CmdStep(
        id=STEP,
        image=pack.builder,
        entry_point="/bin/sh",
        argv=("-c", _START, "creator", *_words(names)),
        env=(("DOCKER_CONFIG", _LOGINS_AT),) if logins else (),
        user="0:0",
        network=pack.network,
        timeout=_LONGEST,
        mounts=(Mount(_LOGINS, _LOGINS_AT),) if logins else (),
    )
    files = (("config.json", _docker_config(logins)),)
    return TaskFile(steps=(step,), volumes=(Volume(_LOGINS, files),) if logins else ())


def _words(names: tuple[str, ...]) -> Iterable[str]:
    yield from ("-app=/workspace", "-layers=/layers", "-no-color")
    yield from (f"-tag={name}" for name in names[1:])
    yield names[0]


def _docker_config(logins: Mapping[str, Login]) -> bytes:
    """What the docker client keeps of some logins."""
    entries = {(_HUB_KEY if host == _HUB else host): _entry(one) for host, one in logins.items()}
    return json.dumps({"auths": entries}).encode()


def _entry(login: Login) -> dict[str, str]:
    pair = base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
    token = {"identitytoken": login.identity_token} if login.identity_token else {}
    return {"auth": pair, **token}


# ------------------------------------------------------------------- builder
def with_builder(pack: PackBuild, site: Site) -> Site:
    """The site with the builder there, and the step made for its lifecycle.

    Raises Failure before anything runs: it cannot be pulled (base-pull), it is for another platform
    than the run (engine), or it is no builder.
    """
    work, name = site.work, pack.builder if "@" in pack.builder else with_tag(pack.builder)
    told = f"the builder {name}"
    found = provide_fitting(name, told, site.images, work, under=STEP, pull=pack.pull)
    interface = _newest(name, _interfaces(name, found, site))
    work.ledger.note_bases([_record(name, found)])
    site.built[name] = found.image.id
    steps = tuple(
        replace(step, env=(*step.env, ("CNB_PLATFORM_API", interface)))
        if isinstance(step, CmdStep)
        else step
        for step in site.task.steps
    )
    return replace(site, task=replace(site.task, steps=steps))


def _interfaces(name: str, found: Found, site: Site) -> tuple[str, ...]:
    """The versions of the platform interface that the lifecycle of a builder knows."""
    config = json.loads(site.images.traces(found.image.id))[0].get("Config") or {}
    labels: dict[str, str] = config.get("Labels") or {}
    if BUILDER_LABEL not in labels:
        why = f"{name} is no builder of Cloud Native Buildpacks: it has no label {BUILDER_LABEL}"
        fix = "name one with --builder, such as paketobuildpacks/builder-jammy-base"
        raise Failure(Reason.STEP, f"{why}; {fix}")
    try:
        lifecycle: Any = json.loads(labels[BUILDER_LABEL]).get("lifecycle") or {}
        known = ((lifecycle.get("apis") or {}).get("platform") or {}).get("supported") or []
        oldest = (lifecycle.get("api") or {}).get("platform")
        return tuple(map(str, [*known, *([oldest] if oldest else [])]))
    except (ValueError, AttributeError, TypeError):
        why = f"the label {BUILDER_LABEL} of {name} cannot be read"
        raise Failure(Reason.STEP, f"{why}; ask who made the builder") from None


def _newest(name: str, known: Iterable[str]) -> str:
    """The newest version of the platform interface that both sides know."""
    versions = {tuple(map(int, text.split("."))): text for text in known if _is_version(text)}
    both = [version for version in versions if version <= _NEWEST_API]
    if not both:
        told = ", ".join(map(one_line, versions.values())) or "none"
        newest = ".".join(map(str, _NEWEST_API))
        why = f"the lifecycle of {name} knows the platform interfaces {told}"
        raise Failure(Reason.STEP, f"{why}; this version knows those up to {newest}")
    return versions[max(both)]


def _is_version(text: str) -> bool:
    parts = text.split(".")
    return len(parts) == 2 and all(part.isdecimal() and len(part) < 6 for part in parts)


def _record(name: str, found: Found) -> BaseImage:
    return BaseImage(
        reference=name,
        role="step",
        digest=found.digest,
        image_id=found.image.id,
        pinned=found.digest is not None,
    )


# ------------------------------------------------------------------- outcome
def read_back(pack: PackBuild, variables: RunVariables, work: Work) -> None:
    """Write down the digest of every name, as the registry serves it. Raises Failure."""
    request = work.request
    names = image_names(pack.images, variables, request.login_server, request.registries)
    for name in names:
        parts = parse_reference(name)
        host = parts.registry or _HUB
        login = work.login(host)
        try:
            served = work.ports.registry(host, parts.repository, parts.tag or "latest", login)
        except RegistryRefused as error:
            raise Failure(Reason.PUSH_AUTH, f"{name} is not read back: {error.message}") from None
        if served is None:
            message = f"the lifecycle ended well, and the registry {host} does not serve {name}"
            raise Failure(Reason.STEP, message)
        note_pushed(name, served, work)
        work.ledger.say(STEP, f"{name}  {served}")
