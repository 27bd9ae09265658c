"""What one build takes from, by the text of its Dockerfile, as it is tracked. Reads no file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.base.text import one_line
from reconciler.model.tracked import TaskBases, TrackedBase, tracked_reference

if TYPE_CHECKING:
    from reconciler.taskfile.dockerfile.images import BaseImage

PLATFORM = "linux/amd64"  # what a document leaves out


@dataclass(frozen=True, slots=True)
class Found:
    """`written` are names as a Dockerfile gives them; without frontends: `copied`."""

    bases: TaskBases
    written: tuple[str, ...] = ()
    copied: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Build:
    """One build: its Dockerfile in the workspace, and what decides which images it needs."""

    file: str
    args: tuple[tuple[str, str], ...] = ()
    target: str | None = None
    platform: str = PLATFORM


@dataclass(frozen=True, slots=True)
class Read:
    """The images of a Dockerfile, or why they cannot be told."""

    images: tuple[BaseImage, ...] = ()
    wrong: str | None = None


def together(found: Iterable[Found]) -> Found:
    """What several builds take from, as one; an image that two take counts once."""
    parts = list(found)
    why = [part.bases.unknown for part in parts if part.bases.unknown is not None]
    return Found(
        TaskBases(
            images=tuple(dict.fromkeys(one for part in parts for one in part.bases.images)),
            unknown="; ".join(dict.fromkeys(why)) or None,
        ),
        tuple(name for part in parts for name in part.written),
        tuple(name for part in parts for name in part.copied),
    )


def images_of(data: bytes, build: Build) -> Read:
    """The images of a Dockerfile that a build needs, or why they cannot be told."""
    from reconciler.taskfile.dockerfile.images import base_images  # noqa: PLC0415  (late: rare)
    from reconciler.taskfile.dockerfile.logicallines import DockerfileError  # noqa: PLC0415

    try:
        found = base_images(
            data, build_args=dict(build.args), target=build.target, platform=build.platform
        )
    except DockerfileError as error:
        line = f":{error.line}" if error.line else ""
        return Read(wrong=f"{line}: {one_line(str(error), 120)}")
    return Read(found.images)


def _known_by_run(reference: str) -> str:
    from reconciler.operations.reading.before_run import in_braces  # noqa: PLC0415  (late, as above)

    return f"only a run knows what {one_line(in_braces(reference), 120)} is"


def tracked(images: Iterable[BaseImage], build: Build) -> TaskBases:
    """What of the images of a Dockerfile can be watched; what cannot is said."""
    found: dict[tuple[str, str], TrackedBase] = {}
    unknown = []
    for image in images:
        if "known-by-run-" in image.reference:
            unknown.append(_known_by_run(image.reference))
            continue
        try:
            reference = tracked_reference(image.reference)
        except ValueError:
            unknown.append(f"{one_line(image.reference, 120)} is no image name")
            continue
        base = TrackedBase(
            reference=reference,
            platform=image.platform or build.platform,
            kind="runtime" if image.role == "runtime" else "buildtime",
            file=build.file,
            line=image.line or None,
        )
        found.setdefault((reference, base.kind), base)
    return TaskBases(images=tuple(found.values()), unknown="; ".join(unknown) or None)
