"""The images a build stands on: which digest each one is, there before it starts. Builds none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reconciler.base.errors import RegistryRefused
from reconciler.model.build import LocalImage, Refusal, Transfer
from reconciler.model.image import ImageReference, parse_reference
from reconciler.model.run import BaseImage, Reason
from reconciler.model.tracked import tracked_reference
from reconciler.runner.failure import Failure
from reconciler.runner.ports import Images
from reconciler.runner.work import Work
from reconciler.taskfile.dockerfile.images import BaseImage as Dependency
from reconciler.taskfile.dockerfile.images import base_images
from reconciler.taskfile.dockerfile.logicallines import DockerfileError

_HUB = "docker.io"
_PULL = "pull"


@dataclass(frozen=True, slots=True)
class Bases:
    """What a build stands on. `digests` maps references as the Dockerfile gives them.

    `images` are those of the engine, with the line of the Dockerfile that names each.
    """

    records: tuple[BaseImage, ...]
    digests: Mapping[str, str]
    images: tuple[tuple[int, LocalImage], ...] = ()


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An image that is needed: `reference` has its tag, `told` is how a failure names it.

    What is said of it stands `under` a step, or the pulls of all.
    """

    reference: str
    platform: str
    told: str
    under: str = _PULL


@dataclass(frozen=True, slots=True)
class Found:
    """The digest an image is pinned to (None: it has none), and the engine's own copy."""

    digest: str | None
    image: LocalImage


def read_dependencies(
    dockerfile: bytes,
    *,
    args: Mapping[str, str],
    target: str | None,
    platform: str,
    build_platform: str,
    tell: Callable[[str], None],
    closed: bool = False,
    unneeded: bool = False,
) -> tuple[Dependency, ...]:
    """The outside images of a Dockerfile; none, and said why, if it cannot be understood.

    `build_platform` is that of the engine: BUILDPLATFORM, BUILDARCH.
    `unneeded`: those of stages that the target does not need too. Whether it can be built is not
    judged here: the builder knows its own language best. For a run that may not reach out
    (`closed`) it is: raises Failure (step), for what the bases bring in would not be known.
    """
    try:
        found = base_images(
            dockerfile,
            build_args=args,
            target=target,
            platform=platform,
            build_platform=build_platform,
            unneeded=unneeded,
        )
    except DockerfileError as error:
        line = f" (Dockerfile line {error.line})" if error.line else ""
        if closed:
            message = f"the base images are not known: {error}{line}"
            raise Failure(Reason.STEP, f"this task has network.egress: none: {message}") from None
        tell(f"warning: the base images are not known, nothing is pinned: {error}{line}")
        return ()
    return found.images


def provide_bases(
    dependencies: tuple[Dependency, ...], images: Images, work: Work, *, platform: str | None = None
) -> Bases:
    """Settle the digest of every base, and make each one present on the engine.

    The digest is the one the request fixes, else what the registry serves now, else what it was
    last seen to serve, else the one of the local copy. An image that was made on this engine and is
    in no registry has none: it is recorded by its id. One that this very run has built is taken as
    it was built. `platform` is the request's unless given. Raises Failure (base-pull) with the
    reference and its line.
    """
    found: dict[str, Found] = {}
    for dependency in dependencies:
        work.watch.check()
        reference = _complete(dependency)
        if reference not in found and dependency.role != "syntax":
            needed = dependency.platform or platform or work.request.platform
            told = f"the base image {reference} (Dockerfile line {dependency.line})"
            found[reference] = _find(_Wanted(reference, needed, told), images, work)
    records = tuple(dict.fromkeys(_record(item, found) for item in dependencies))
    digests = {
        item.reference: base.digest
        for item in dependencies
        if (base := found.get(_complete(item))) and base.digest and "@" not in item.reference
    }
    images_of = tuple(
        (item.line, base.image) for item in dependencies if (base := found.get(_complete(item)))
    )
    return Bases(records, digests, images_of)


def provide_image(
    reference: str,
    told: str,
    images: Images,
    work: Work,
    *,
    under: str = _PULL,
    pull: bool = False,
) -> Found:
    """Settle one image that is no base of a build, and make it present on the engine.

    The digest as in `provide_bases`; with `pull` the registry must answer. What the request fixes
    comes first, and an image without a digest is taken by its id if the engine still has it.
    `under` is the step that its lines stand under. Raises Failure (base-pull).
    """
    work.watch.check()
    request = work.request
    wanted = _Wanted(reference, request.platform, told, under)
    if _fixed(reference, work) is not None:
        return _find(wanted, images, work)
    old = images.image(request.base_ids[reference]) if reference in request.base_ids else None
    if old is not None:
        return Found(None, old)
    if pull:
        image = _pulled(wanted, reference, images, work)
        return Found(_digest_of(reference, image), image)
    return _find(wanted, images, work)


def without_pins(bases: Bases) -> Bases:
    """The same bases where the Dockerfile stays as it is written."""
    kept = [
        base if "@" in base.reference else base.model_copy(update={"pinned": False})
        for base in bases.records
    ]
    return Bases(tuple(kept), {})


# ------------------------------------------------------------------- digests
def _find(wanted: _Wanted, images: Images, work: Work) -> Found:
    reference = wanted.reference
    local = images.image(_engine_name(reference))
    digest = _settled(reference, local, work)
    if digest is None:
        image = local or _pulled(wanted, reference, images, work)
        _tell_change(reference, image, work)
        return Found(_digest_of(reference, image), image)
    if local is not None and digest == _digest_of(reference, local):
        return Found(digest, local)
    pinned = f"{reference.partition('@')[0]}@{digest}"
    image = images.image(_engine_name(pinned)) or _pulled(wanted, pinned, images, work)
    return Found(digest, image)


def _tell_change(reference: str, image: LocalImage, work: Work) -> None:
    before = work.request.base_ids.get(reference)
    if before is not None and before != image.id:
        run = work.request.rerun_of
        text = f"warning: {reference} is {image.id}; it was {before} in run {run}"
        work.ledger.say("pull", text)


def _settled(reference: str, local: LocalImage | None, work: Work) -> str | None:
    """The digest a reference stands for now, as far as it can be known before a pull."""
    parts = _parts(reference)
    if parts is None:
        return None
    known = _digest_of(reference, local)
    if local is not None and _built_by_this_run(reference, work):
        return known
    fixed = parts.digest or _fixed(reference, work)
    if fixed:
        return fixed
    # A name without a registry that was never pulled was made here: Docker Hub's is another one.
    if parts.registry is None and local is not None and known is None:
        return None
    return _served(parts, work) or known


def _fixed(reference: str, work: Work) -> str | None:
    """The digest that the request fixes: for the name as it is written, or in its one spelling."""
    bases = work.request.bases
    if not bases or reference in bases:
        return bases.get(reference)
    return bases.get(tracked_reference(reference)) if _parts(reference) is not None else None


def _built_by_this_run(reference: str, work: Work) -> bool:
    made = {output.reference for output in work.ledger.record.outputs if output.image_id}
    return bool(made & {reference, reference.removesuffix(":latest")})


def _served(parts: ImageReference, work: Work) -> str | None:
    """What the registry serves under a tag now. If it does not tell, which is said, what it was
    last seen to serve: the engine's own copy may be older, and a build on it would undo a rebuild.
    None if nobody looks at it."""
    host = parts.registry or _HUB
    in_library = host == _HUB and "/" not in parts.repository
    repository = f"library/{parts.repository}" if in_library else parts.repository
    try:
        return work.ports.registry(host, repository, parts.tag or "latest", work.login(host))
    except RegistryRefused as error:
        seen = work.ports.seen(tracked_reference(str(parts)))
        how = "it was last seen" if seen is not None else "the engine has it"
        work.ledger.say("pull", f"note: {parts} is taken as {how}: {error.message}")
        return seen


def _digest_of(reference: str, image: LocalImage | None) -> str | None:
    parts = _parts(reference)
    if parts is None or image is None:
        return None
    repository = f"{parts.registry}/{parts.repository}" if parts.registry else parts.repository
    short = repository.removeprefix(_HUB + "/").removeprefix("library/")
    return parts.digest or image.digest_of(repository) or image.digest_of(short)


def _parts(reference: str) -> ImageReference | None:
    try:
        return parse_reference(reference)
    except ValueError:
        return None


def _complete(dependency: Dependency) -> str:
    """The reference with the tag that is meant where none is written."""
    last = dependency.reference.rpartition("/")[2]
    has_tag = ":" in last or "@" in last
    return dependency.reference if has_tag else dependency.reference + ":latest"


# --------------------------------------------------------------------- pulls
def _pulled(wanted: _Wanted, reference: str, images: Images, work: Work) -> LocalImage:
    work.ledger.say(wanted.under, f"pulling {reference} for {wanted.platform}")
    login = work.login(registry_of(reference))
    result = images.pull(_engine_name(reference), wanted.platform, login, work.watch)
    if result.stopped:
        work.watch.check()
    image = images.image(_engine_name(reference)) if result.refusal is None else None
    if image is None:
        raise _pull_failure(wanted.told, reference, result)
    return image


def _engine_name(reference: str) -> str:
    """`repository@digest`: an engine takes no tag beside a digest."""
    parts = _parts(reference)
    if parts is None or parts.digest is None:
        return reference
    return str(ImageReference(parts.registry, parts.repository, None, parts.digest))


def registry_of(reference: str) -> str:
    """The registry host of a reference; Docker Hub where none is written."""
    parts = _parts(reference)
    return (parts.registry if parts else None) or _HUB


def _pull_failure(told: str, reference: str, result: Transfer) -> Failure:
    advice = {
        Refusal.AUTH: f"; log in with: docker login {registry_of(reference)}",
        Refusal.UNREACHABLE: "; the registry cannot be reached from the engine",
    }
    why = result.message or "the engine does not have it after the pull"
    fix = advice.get(result.refusal, "") if result.refusal else ""
    return Failure(Reason.BASE_PULL, f"{told} cannot be pulled: {why}{fix}")


def _record(dependency: Dependency, found: Mapping[str, Found]) -> BaseImage:
    reference = _complete(dependency)
    base = found.get(reference)
    digest = base.digest if base else reference.partition("@")[2] or None
    return BaseImage(
        reference=reference,
        role=dependency.role,
        digest=digest,
        image_id=base.image.id if base else None,
        pinned=digest is not None,
        platform=dependency.platform,
    )
