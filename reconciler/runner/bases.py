"""The images a build stands on: there before it starts, and written down. Builds none."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model.build import LocalImage, Refusal, Transfer
from reconciler.model.image import parse_reference
from reconciler.model.run import BaseImage, Reason
from reconciler.runner.failure import Failure
from reconciler.runner.ports import Images
from reconciler.runner.work import Work
from reconciler.taskfile.dockerfile import BaseImage as Dependency
from reconciler.taskfile.dockerfile import DockerfileError, base_images

_HUB = "docker.io"


def read_dependencies(
    dockerfile: bytes, *, args: Mapping[str, str], target: str | None, platform: str
) -> tuple[Dependency, ...]:
    """The outside images of a Dockerfile. Raises Failure if the file cannot be understood."""
    try:
        found = base_images(dockerfile, build_args=args, target=target, platform=platform)
    except DockerfileError as error:
        raise Failure(Reason.TASKFILE_INVALID, f"the Dockerfile is wrong: {error}") from None
    return found.images


def provide_bases(
    dependencies: tuple[Dependency, ...], images: Images, work: Work
) -> tuple[BaseImage, ...]:
    """Make every base present: a local one is used as it is, another is pulled once.

    Raises Failure (base-pull) with the reference and its line.
    """
    found: dict[str, LocalImage] = {}
    for dependency in dependencies:
        work.watch.check()
        reference = _complete(dependency)
        if reference not in found and dependency.role != "syntax":
            found[reference] = images.image(reference) or _pulled(dependency, images, work)
    return tuple(dict.fromkeys(_record(item, found) for item in dependencies))


def _complete(dependency: Dependency) -> str:
    """The reference with the tag that is meant where none is written."""
    last = dependency.reference.rpartition("/")[2]
    has_tag = ":" in last or "@" in last
    return dependency.reference if has_tag else dependency.reference + ":latest"


def _pulled(dependency: Dependency, images: Images, work: Work) -> LocalImage:
    reference = _complete(dependency)
    platform = dependency.platform or work.request.platform
    work.ledger.say("pull", f"pulling {reference} for {platform}")
    login = work.login(registry_of(reference))
    result = images.pull(reference, platform, login, work.watch)
    if result.stopped:
        work.watch.check()
    image = images.image(reference) if result.refusal is None else None
    if image is None:
        raise _pull_failure(dependency, reference, result)
    return image


def registry_of(reference: str) -> str:
    """The registry host of a reference; Docker Hub where none is written."""
    try:
        return parse_reference(reference).registry or _HUB
    except ValueError:
        return _HUB


def _pull_failure(dependency: Dependency, reference: str, result: Transfer) -> Failure:
    advice = {
        Refusal.AUTH: f"; log in with: docker login {registry_of(reference)}",
        Refusal.UNREACHABLE: "; the registry cannot be reached from the engine",
    }
    why = result.message or "the engine does not have it after the pull"
    fix = advice.get(result.refusal, "") if result.refusal else ""
    message = f"the base image {reference} (Dockerfile line {dependency.line}) cannot be pulled"
    return Failure(Reason.BASE_PULL, f"{message}: {why}{fix}")


def _record(dependency: Dependency, found: Mapping[str, LocalImage]) -> BaseImage:
    reference = _complete(dependency)
    image = found.get(reference)
    return BaseImage(
        reference=reference,
        role=dependency.role,
        digest=_digest(reference, image),
        image_id=image.id if image else None,
    )


def _digest(reference: str, image: LocalImage | None) -> str | None:
    name, _, pinned = reference.partition("@")
    if pinned or image is None:
        return pinned or None
    head, slash, last = name.rpartition("/")
    repository = head + slash + last.partition(":")[0]
    short = repository.removeprefix(_HUB + "/").removeprefix("library/")
    return image.digest_of(repository) or image.digest_of(short)
