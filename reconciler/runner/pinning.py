"""A copy of the Dockerfile with its bases pinned to digests. The original is never changed."""

from __future__ import annotations

from pathlib import Path

from reconciler.model.run import Reason
from reconciler.runner.bases import Bases, without_pins
from reconciler.runner.failure import written_failure
from reconciler.runner.work import Work
from reconciler.taskfile.dockerfile.logicallines import DockerfileError, decode
from reconciler.taskfile.dockerfile.pin import pin

_IGNORE = ".dockerignore"
_LARGEST_IGNORE = 1024 * 1024


def pinned_dockerfile(
    dockerfile: Path,
    args: dict[str, str],
    bases: Bases,
    work: Work,
    *,
    platform: str | None = None,
) -> tuple[Path, Bases]:
    """The Dockerfile to build from, and the bases as it names them.

    Without a digest to write it is the original. The copy lies in the run's own folder, outside
    of the context, with the ignore file of that Dockerfile beside it, where BuildKit looks for it.
    `platform` is the request's unless given. Raises Failure if the copy cannot be written.
    """
    if not bases.digests:
        return dockerfile, bases
    text = decode(dockerfile.read_bytes())
    platform = platform or work.request.platform
    try:
        result = pin(text, bases.digests, build_args=args, platform=platform)
    except DockerfileError as error:
        work.ledger.say("build", f"warning: the bases stay as they are written: {error}")
        return dockerfile, without_pins(bases)
    return _written(dockerfile, result, work.ports.folder), bases


def _written(dockerfile: Path, text: str, folder: Path) -> Path:
    try:
        place = _new_folder(folder)
        copy = place / dockerfile.name
        copy.write_bytes(text.encode("utf-8", "surrogateescape"))
        _copy_ignore(dockerfile, copy)
    except OSError as error:
        message = "the copy of the Dockerfile cannot be written"
        raise written_failure(error, folder.parent, Reason.DOCKERFILE_MISSING, message) from None
    return copy


def _new_folder(folder: Path) -> Path:
    """A folder for one copy: two steps of a run may build from files of the same name."""
    number = 0
    while (place := folder / f"dockerfile-{number}").exists():
        number += 1
    place.mkdir(mode=0o700)
    return place


def _copy_ignore(dockerfile: Path, copy: Path) -> None:
    own = dockerfile.with_name(dockerfile.name + _IGNORE)
    if own.is_file() and own.stat().st_size <= _LARGEST_IGNORE:
        copy.with_name(copy.name + _IGNORE).write_bytes(own.read_bytes())
