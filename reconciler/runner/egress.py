"""A run that may not reach out: what it refuses before its first step. Makes no network."""

from __future__ import annotations

from reconciler.base.text import one_line
from reconciler.model.run import Reason
from reconciler.runner.failure import Failure
from reconciler.runner.work import Work
from reconciler.taskfile.dockerfile.additions import additions
from reconciler.taskfile.dockerfile.logicallines import DockerfileError
from reconciler.taskfile.steps.egress import BESIDE, SOCKET, side_by_side, ways_out
from reconciler.taskfile.tasks import TaskFile

_CLOSED = "this task has network.egress: none"
_PLACE = "run"


def check_egress(task: TaskFile, work: Work) -> None:
    """Raise Failure (step) for the first way out; say what no network of an engine holds."""
    request = work.request
    if not request.offline:
        return
    if request.multi is not None and request.multi.docker_socket:
        raise Failure(Reason.STEP, f"{_CLOSED}: {SOCKET.message}; {SOCKET.fix}")
    for way in ways_out(task):
        where = f'step "{way.step}" (line {way.line}) ' if way.step else ""
        raise Failure(Reason.STEP, f"{_CLOSED}: {where}{way.limit.message}; {way.limit.fix}")
    if side_by_side(task):
        work.ledger.say(_PLACE, f"note: {_CLOSED}: {BESIDE}")


def check_additions(dockerfile: bytes, name: str, work: Work) -> None:
    """Raise Failure (step) for an ADD that the builder would fetch from outside of the run.

    What is no Dockerfile is left to the builder, which says so better.
    """
    if not work.request.offline:
        return
    try:
        found = additions(dockerfile)
    except DockerfileError:
        return
    for item in found:
        what = f"{one_line(name)} line {item.line} adds {one_line(item.source, 120)}"
        fix = "put the file into the context, and COPY it"
        raise Failure(Reason.STEP, f"{_CLOSED}: {what}, which may lead out; {fix}")
