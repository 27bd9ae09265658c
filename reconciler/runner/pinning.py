"""A copy of the Dockerfile with its bases pinned to digests. The original is never changed."""

from __future__ import annotations

from pathlib import Path

from reconciler.base.inside import real_file
from reconciler.model.run import Reason
from reconciler.runner.bases import Bases, without_pins
from reconciler.runner.context import ignore_text
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
    build_platform: str | None = None,
    local: Path | None = None,
) -> tuple[Path, Bases]:
    """The Dockerfile to build from, and the bases as it names them.

    Without a digest to write it is the original. The copy lies in the run's own folder, outside
    of the context, with the ignore file of that Dockerfile beside it, where BuildKit looks for it.
    For a context that is a folder of this machine (`local`) there is always a copy: its ignore file
    leaves out what we leave out. `platform` is the request's unless given, and `build_platform` (of
    the engine) the same. Raises Failure if the
    copy cannot be written.
    """
    if not bases.digests and local is None:
        return dockerfile, bases
    ignored = _ignored(dockerfile, local)
    if not bases.digests:
        return _written(dockerfile, dockerfile.read_bytes(), ignored, work.ports.folder), bases
    text = decode(dockerfile.read_bytes())
    platform = platform or work.request.platform
    try:
        result = pin(
            text,
            bases.digests,
            build_args=args,
            platform=platform,
            build_platform=build_platform,
        )
    except DockerfileError as error:
        work.ledger.say("build", f"warning: the bases stay as they are written: {error}")
        kept = dockerfile.read_bytes()
        return _written(dockerfile, kept, ignored, work.ports.folder), without_pins(bases)
    data = result.encode("utf-8", "surrogateescape")
    return _written(dockerfile, data, ignored, work.ports.folder), bases


def _written(dockerfile: Path, data: bytes, ignored: bytes | None, folder: Path) -> Path:
    try:
        place = _new_folder(folder)
        copy = place / dockerfile.name
        copy.write_bytes(data)
        if ignored is not None:
            copy.with_name(copy.name + _IGNORE).write_bytes(ignored)
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


def _ignored(dockerfile: Path, local: Path | None) -> bytes | None:
    """What stands in the ignore file beside the copy; None if the context's own holds."""
    if local is not None:
        text = ignore_text(local, dockerfile, local=True)
        return text.encode("utf-8", "surrogateescape")
    own = real_file(dockerfile.parent, dockerfile.name + _IGNORE)
    if own is not None and own.stat().st_size <= _LARGEST_IGNORE:
        return own.read_bytes()
    return None
