"""What a Dockerfile depends on, in the shape of ACR's list; data in, data out.

Shape: an entry for each tag, or one without an image; see the dependency detection of
https://github.com/Azure/acr-builder. What BuildKit would take from stands in it, see `images`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reconciler.model.image import parse_reference
from reconciler.taskfile.dockerfile.images import BaseImage, Dependencies
from reconciler.taskfile.dockerfile.logicallines import DockerfileError

Reference = dict[str, str]

_HUB = "registry.hub.docker.com"  # what ACR calls the registry of a name without one
_HUB_NAMES = frozenset(("docker.io", "index.docker.io"))


def dependency_entries(
    found: Dependencies, *, tags: Sequence[str] = (), revision: str = ""
) -> list[dict[str, Any]]:
    """The entries of `tags`. The runtime image is null where the stage starts from scratch.

    Images of other stages, of `COPY --from`, of mounts and the frontend of `# syntax=` are
    buildtime, each once and in the order of the file. Raises DockerfileError for an illegal name.
    """
    runtime = found.runtime
    buildtime: dict[tuple[str, ...], Reference] = {}
    for item in found.images:
        buildtime.setdefault(_key(item), reference_of(item))
    if runtime is not None:
        del buildtime[_key(runtime)]
    dependencies = {
        "runtime-dependency": reference_of(runtime) if runtime else None,
        "buildtime-dependency": list(buildtime.values()) or None,
        "git": {"git-head-revision": revision},
    }
    images: list[Reference | None] = [read_reference(tag) for tag in tags]
    return [{"image": image, **dependencies} for image in images or [None]]


def _key(image: BaseImage) -> tuple[str, ...]:
    """What is the same image, however it is written."""
    parts = reference_of(image)
    registry = _HUB if parts["registry"] in _HUB_NAMES else parts["registry"]
    return registry, parts["repository"], parts.get("tag", ""), parts["digest"]


def reference_of(image: BaseImage) -> Reference:
    """The parts of an image's name. Raises DockerfileError with its line."""
    try:
        return read_reference(image.reference)
    except DockerfileError as error:
        raise DockerfileError(error.message, image.line) from None


def read_reference(text: str) -> Reference:
    """An image name in ACR's parts: registry, repository, tag, digest, reference.

    A host with a port is a host, unlike there. Raises DockerfileError.
    """
    try:
        parts = parse_reference(text)
    except ValueError:
        raise DockerfileError(f"{text[:80]!r} is no image name", 0) from None
    on_hub = parts.registry is None or parts.registry in _HUB_NAMES
    library = "library/" if on_hub and "/" not in parts.repository else ""
    found = {"registry": parts.registry or _HUB, "repository": library + parts.repository}
    tag = parts.tag or ("" if parts.digest else "latest")
    reference = text if parts.tag or parts.digest else f"{text}:latest"
    found |= {"tag": tag} if tag else {}
    return found | {"digest": parts.digest or "", "reference": reference}
