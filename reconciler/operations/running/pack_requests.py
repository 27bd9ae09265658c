"""From the words of `pack build` to a run request. Runs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from reconciler.base.errors import WrongUsage
from reconciler.base.text import one_line
from reconciler.model.image import parse_reference
from reconciler.model.step import DockerStep
from reconciler.model.workspace import Workspace
from reconciler.operations.running.registries import login_server_of
from reconciler.operations.running.run_overrides import checked_location
from reconciler.operations.running.run_requests import check_timeout, new_run_id, platform_of
from reconciler.runner.multistep import MultiStep, PackBuild
from reconciler.runner.request import RunRequest


@dataclass(frozen=True, slots=True)
class PackWords:
    """The words as they were written; `folder` is where the person stands."""

    source: str
    builder: str
    images: Sequence[str]
    folder: str = "."
    registry: str | None = None
    platform: str = "linux/amd64"
    network: str | None = None
    pull: bool = False
    timeout: int = 3600


def pack_request(words: PackWords, workspace: Workspace, actor: str) -> RunRequest:
    """The request of a build with buildpacks. Raises WrongUsage."""
    platform = platform_of(words.platform)
    if not platform.startswith("linux/"):
        raise WrongUsage(f"--platform {platform}: buildpacks run on Linux only")
    return RunRequest(
        id=new_run_id(),
        actor=actor,
        source=checked_location(words.source),
        folder=words.folder,
        step=DockerStep(push=False),
        multi=MultiStep(pack=_pack_build(words)),
        login_server=login_server_of(words.registry, workspace, needed=True),
        platform=platform,
        timeout=check_timeout(words.timeout),
    )


def _pack_build(words: PackWords) -> PackBuild:
    try:
        parse_reference(words.builder)
    except ValueError as error:
        raise WrongUsage(f"--builder {one_line(words.builder, 80)}: {error}") from None
    try:
        return PackBuild(
            builder=words.builder,
            images=tuple(words.images),
            pull=words.pull,
            network=words.network,
        )
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        raise WrongUsage(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
