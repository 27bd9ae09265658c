"""What a run that a trigger wanted is to do: read from the live task when it begins."""

from __future__ import annotations

from dataclasses import replace

from reconciler.base.errors import ReconcilerError, WrongUsage
from reconciler.engine.waking import wake_of
from reconciler.model.context import at_commit
from reconciler.model.event import Wake
from reconciler.model.repository import repository_key
from reconciler.model.run import RunRecord
from reconciler.model.step import DockerStep
from reconciler.model.task import Task
from reconciler.operations.running.run_overrides import TaskWords
from reconciler.operations.running.run_requests import UnknownTask, find_task, task_request
from reconciler.operations.workspace import OpenWorkspace
from reconciler.runner.request import RunRequest, read_request


class TaskOff(ReconcilerError):
    """The task of a waiting run is not to be run any more."""

    code = "task-off"


def request_of(opened: OpenWorkspace, record: RunRecord) -> RunRequest:
    """The request of a waiting run. Raises ReconcilerError if its task cannot be run any more:
    TaskOff if it was disabled or destroyed meanwhile."""
    wake = wake_of(record.wanted)
    if wake is None:
        return replace(read_request(record.wanted), queued=record.queued)
    try:
        task = find_task(wake.task, opened.provider)
    except UnknownTask:
        raise TaskOff(f"the task {wake.task} was destroyed while the run waited") from None
    if task.spec.status != "Enabled":
        raise TaskOff(f"the task {wake.task} was disabled while the run waited")
    words = _words(task, wake)
    request = task_request(words, opened.workspace, opened.provider, wake.actor)
    commit = _commit(request.source, wake)
    request = replace(
        request,
        id=record.id,
        trigger=wake.kind,
        queued=record.queued,
        source=at_commit(request.source, commit),
        branch=_branch(wake) if commit else None,
        bases=wake.bases,
        event=record.event,
        known_commit=commit is not None,
    )
    return _of_fork(request) if wake.fork else request


def _words(task: Task, wake: Wake) -> TaskWords:
    overrides = task.spec.triggers.overrides(wake.kind, wake.trigger)
    settings = tuple(f"{name}={value}" for name, value in overrides.set.items())
    builds = task.spec.docker is not None
    return TaskWords(
        name=task.address,
        # Nothing of a stranger is published under the task's names.
        push=False if wake.fork else None,
        no_cache=bool(overrides.no_cache),
        args=settings if builds else (),
        settings=() if builds else settings,
    )


def _commit(source: str, wake: Wake) -> str | None:
    """The commit of the event, which is built: never an older one, never a newer one.

    None if the trigger listens to another repository than the one that is built.
    """
    built = wake.repository is not None and repository_key(source) == wake.repository
    return wake.commit if built else None


def _branch(wake: Wake) -> str | None:
    heads = "refs/heads/"
    return wake.ref.removeprefix(heads) if wake.ref and wake.ref.startswith(heads) else None


def _of_fork(request: RunRequest) -> RunRequest:
    """A run of a stranger's commit: no token, no login, no secret, no socket of the engine.

    Its images get no names: what is kept on an engine under the task's names would be a base of
    others. Raises WrongUsage for a task that cannot do without secrets.
    """
    step: DockerStep = request.step.model_copy(update={"secrets": {}, "images": ()})
    multi = request.multi
    if multi is not None and multi.pack is None and multi.source.model_dump().get("set_secret"):
        raise WrongUsage(
            f"a pull request from a fork is given no secrets, and {request.task} needs some"
        )
    if multi is not None:
        multi = multi.model_copy(update={"docker_socket": False})
    return replace(request, token=None, logins={}, registries=(), step=step, multi=multi, fork=True)
