"""Which names the steps of a run may push to. Pushes none."""

from __future__ import annotations

from reconciler.base.text import one_line
from reconciler.model.image import ImageReference, names_repository, parse_reference
from reconciler.model.run import Reason
from reconciler.runner.failure import Failure
from reconciler.runner.work import Work


def check_pushable(name: str, where: str, work: Work) -> None:
    """A run pushes to its own registry and to those the task declares, to repositories it names.

    Raises Failure (taskfile-invalid), which says `where`.
    """
    try:
        parts = parse_reference(name)
    except ValueError as error:
        message = f"{where}: the image name {one_line(name)} is not legal: {error}"
        raise Failure(Reason.TASKFILE_INVALID, message) from None
    allowed = [host for host in (work.request.login_server, *work.request.registries) if host]
    if parts.digest:
        message = f"{where}: a name to push carries no digest"
        raise Failure(Reason.TASKFILE_INVALID, message)
    if parts.registry not in allowed:
        shown = ", ".join(allowed) or "none: give one with -r"
        message = f"{where}: {one_line(name)} is not in a registry of this run ({shown})"
        fix = "write {{.Run.Registry}}/ in front"
        raise Failure(Reason.TASKFILE_INVALID, f"{message}; {fix}")
    _check_named(where, parts, work)


def _check_named(where: str, image: ImageReference, work: Work) -> None:
    """A declared task pushes only to repositories that its spec names, whatever its file says."""
    request = work.request
    if request.task is None or request.multi is None or request.multi.file is None:
        return  # typed by a person, or written in the spec itself
    own = image.registry == request.login_server
    name = image.repository if own else f"{image.registry}/{image.repository}"
    if not any(names_repository(known, name) for known in request.multi.file.repositories):
        message = f"{where}: the spec of {request.task} does not name the repository {name}"
        fix = f"add it to spec.step.file.repositories: [{name}]"
        raise Failure(Reason.TASKFILE_INVALID, f"{message}; {fix}")
