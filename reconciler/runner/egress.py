"""What a run refuses that may not reach out, or that nobody vouches for. Makes no network."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.base.text import one_line
from reconciler.model.run import Reason
from reconciler.runner.failure import Failure
from reconciler.runner.work import Work
from reconciler.taskfile.dockerfile.additions import additions
from reconciler.taskfile.dockerfile.frontend import frontend
from reconciler.taskfile.dockerfile.logicallines import DockerfileError
from reconciler.taskfile.steps.egress import (
    BESIDE,
    COPY_IT,
    FRONTEND,
    FRONTEND_ARGUMENT,
    HONOUR_FRONTENDS,
    SOCKET,
    side_by_side,
    ways_out,
)
from reconciler.taskfile.tasks import TaskFile

CLOSED = "this task has network.egress: none"
FORK = "a pull request from a fork is built"
_PLACE = "run"


def check_egress(task: TaskFile, work: Work) -> None:
    """Raise Failure (step) for the first way out; say what no network of an engine holds."""
    request = work.request
    if request.offline and request.multi is not None and request.multi.docker_socket:
        raise Failure(Reason.STEP, f"{CLOSED}: {SOCKET.message}; {SOCKET.fix}")
    if request.offline or request.fork:
        # The networks of others, and that of the engine's machine, are not for a stranger either.
        why = CLOSED if request.offline else FORK
        for way in ways_out(task):
            where = f'step "{way.step}" (line {way.line}) ' if way.step else ""
            raise Failure(Reason.STEP, f"{why}: {where}{way.limit.message}; {way.limit.fix}")
    if request.offline and side_by_side(task):
        work.ledger.say(_PLACE, f"note: {CLOSED}: {BESIDE}")


def check_dockerfile(
    dockerfile: bytes, name: str, args: Mapping[str, str], builder: str, work: Work
) -> None:
    """Raise Failure (step) for what the builder would fetch from outside of the run, or what
    would execute outside of it: an ADD, a frontend. What cannot be read is refused too.
    """
    if not work.request.offline:
        return
    try:
        found = additions(dockerfile)
        program = frontend(dockerfile)
    except DockerfileError as error:
        where = f"{one_line(name)} line {error.line}" if error.line else one_line(name)
        message = f"{where} cannot be read, so nobody knows what it fetches: {error}"
        raise Failure(Reason.STEP, f"{CLOSED}: {message}") from None
    for item in found:
        what = f"{one_line(name)} line {item.line} adds {one_line(item.source, 120)}"
        raise Failure(Reason.STEP, f"{CLOSED}: {what}, which may lead out; {COPY_IT}")
    if builder not in HONOUR_FRONTENDS:
        return
    if args.get(FRONTEND_ARGUMENT):
        what = f"the build argument {FRONTEND_ARGUMENT}"
        raise Failure(Reason.STEP, f"{CLOSED}: {what} {FRONTEND}; remove it")
    if program is not None:
        what = f"{one_line(name)} line {program.line}: syntax={one_line(program.image, 120)}"
        raise Failure(Reason.STEP, f"{CLOSED}: {what} {FRONTEND}; remove the line")
