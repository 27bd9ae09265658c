"""What a spec asks for although nothing of its runs may reach out. Runs nothing, reads no file."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.base.diagnostics import NOT_HELD, Diagnostic, Severity
from reconciler.base.source import Located, Path
from reconciler.model.step import DockerTask, InlineTask
from reconciler.model.task import Task
from reconciler.operations.reading.inline_check import read_steps
from reconciler.taskfile.steps.egress import BESIDE, SOCKET, side_by_side, ways_out

_EGRESS: Path = ("spec", "network", "egress")
_SOCKET: Path = ("spec", "dockerSocket")
_INSIDE: Path = ("spec", "step", "inline")
_CLOSED = "with network.egress: none"


def egress_problems(located: Located[Task]) -> Iterator[Diagnostic]:
    """Errors for ways out that a run refuses, a warning for what no engine holds."""
    task, locate = located.value, located.source.locate
    if task.spec.network.egress != "none":
        return
    if task.spec.docker_socket and not isinstance(task.spec.step, DockerTask):
        message = f"no run of it would start {_CLOSED}: {SOCKET.message}"
        at = locate(_SOCKET)
        yield Diagnostic(message, at, found=SOCKET.found, fix=SOCKET.fix, task=task.address)
    steps = read_steps(located) if isinstance(task.spec.step, InlineTask) else None
    if steps is None:
        return
    for way in ways_out(steps):
        step = f'step "{way.step}" ' if way.step else ""
        message = f"no run of it would start {_CLOSED}: {step}{way.limit.message}"
        at = locate((*_INSIDE, *way.place))
        found, fix = way.limit.found, way.limit.fix
        yield Diagnostic(message, at, found=found, fix=fix, task=task.address)
    if side_by_side(steps):
        fix = "let each step wait for the one before it: then they have no network at all"
        at = locate(_EGRESS)
        yield Diagnostic(
            BESIDE,
            at,
            Severity.WARNING,
            NOT_HELD,
            found="egress: none",
            fix=fix,
            task=task.address,
        )
