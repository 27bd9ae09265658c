"""A copy of the Dockerfile with its bases pinned to digests. The original is never changed."""

from __future__ import annotations

from pathlib import Path

from reconciler.model.run import Reason
from reconciler.runner.bases import Bases, without_pins
from reconciler.runner.context import read_dockerfile
from reconciler.runner.failure import written_failure
from reconciler.runner.ignorefile import IGNORE, ignore_text, own_ignore_text
from reconciler.runner.work import Work
from reconciler.taskfile.dockerfile.logicallines import DockerfileError, decode
from reconciler.taskfile.dockerfile.pin import pin


def pinned_dockerfile(
    dockerfile: Path,
    args: dict[str, str],
    bases: Bases,
    work: Work,
    *,
    platform: str | None = None,
    build_platform: str | None = None,
    local: Path | None = None,
    root: Path | None = None,
) -> tuple[Path, Bases]:
    """The Dockerfile to build from, and the bases as it names them.

    Without a digest to write it is the original. The copy lies in the run's own folder, outside
    of the context, with the ignore file of that Dockerfile beside it, where BuildKit looks for it.
    For a context that is a folder of this machine (`local`) there is always a copy: its ignore file
    leaves out what we leave out, and may not lead out of `root`. `platform` is the request's unless
    given, and `build_platform` (of the engine) the same. Raises Failure if the copy cannot be
    written, or for an ignore file that cannot be read.
    """
    if not bases.digests and local is None:
        return dockerfile, bases
    ignored = _ignored(dockerfile, local, root)
    if not bases.digests:
        return _written(dockerfile, read_dockerfile(dockerfile), ignored, work.ports.folder), bases
    text = decode(read_dockerfile(dockerfile))
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
        kept = read_dockerfile(dockerfile)
        return _written(dockerfile, kept, ignored, work.ports.folder), without_pins(bases)
    data = result.encode("utf-8", "surrogateescape")
    return _written(dockerfile, data, ignored, work.ports.folder), bases


def _written(dockerfile: Path, data: bytes, ignored: bytes | None, folder: Path) -> Path:
    try:
        place = _new_folder(folder)
        copy = place / dockerfile.name
        copy.write_bytes(data)
        if ignored is not None:
            copy.with_name(copy.name + IGNORE).write_bytes(ignored)
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


def _ignored(dockerfile: Path, local: Path | None, root: Path | None) -> bytes | None:
    """What stands in the ignore file beside the copy; None if the context's own holds."""
    if local is not None:
        text: str | None = ignore_text(local, dockerfile, root=root, local=True)
    else:
        text = own_ignore_text(dockerfile, root.resolve() if root else dockerfile.parent)
    return None if text is None else text.encode("utf-8", "surrogateescape")
