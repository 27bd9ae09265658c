"""What a run that a trigger wanted is to do: read from the live task when it begins."""

from __future__ import annotations

from dataclasses import replace

from reconciler.base.errors import WrongUsage
from reconciler.engine.waking import wake_of
from reconciler.model.context import ContextKind, context_kind, git_location
from reconciler.model.event import Wake
from reconciler.model.run import RunRecord, TriggerKind
from reconciler.model.step import DockerStep
from reconciler.model.task import Task
from reconciler.model.trigger import RunOverrides
from reconciler.operations.running.run_overrides import TaskWords
from reconciler.operations.running.run_requests import find_task, task_request
from reconciler.operations.workspace import OpenWorkspace
from reconciler.runner.request import RunRequest, read_request


def request_of(opened: OpenWorkspace, record: RunRecord) -> RunRequest:
    """The request of a waiting run. Raises ReconcilerError if its task cannot be run any more."""
    wake = wake_of(record.wanted)
    if wake is None:
        return replace(read_request(record.wanted), queued=record.queued)
    task = find_task(wake.task, opened.provider)
    if task.spec.status != "Enabled":
        raise WrongUsage(f"the task {wake.task} was disabled while the run waited")
    words = _words(task, wake)
    request = task_request(words, opened.workspace, opened.provider, wake.actor)
    request = replace(
        request,
        id=record.id,
        trigger=wake.kind,
        queued=record.queued,
        source=_source(request.source, wake),
        branch=_branch(wake),
        bases=wake.bases,
    )
    return _without_secrets(request) if wake.fork else request


def _words(task: Task, wake: Wake) -> TaskWords:
    overrides = _overrides(task, wake)
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


def _overrides(task: Task, wake: Wake) -> RunOverrides:
    """What the trigger does differently; nothing if it is not there any more."""
    triggers = task.spec.triggers
    if wake.kind is TriggerKind.TIMER:
        timer = triggers.timers.get(wake.trigger)
        return timer.with_ if timer is not None else RunOverrides()
    if wake.kind is TriggerKind.BASE_IMAGE:
        return triggers.base_image.with_ if triggers.base_image is not None else RunOverrides()
    kinds = {
        TriggerKind.COMMIT: triggers.commit,
        TriggerKind.PULL_REQUEST: triggers.pull_request,
    }
    for number, trigger in enumerate(kinds.get(wake.kind, ())):
        name = trigger.name or (wake.kind if number == 0 else f"{wake.kind}-{number + 1}")
        if name == wake.trigger:
            return trigger.with_
    return RunOverrides()


def _source(source: str, wake: Wake) -> str:
    """The context at the commit of the event: never an older one, never a newer one."""
    if wake.commit is None or context_kind(source) is not ContextKind.GIT:
        return source
    url, _, folder = git_location(source)
    return f"{url}#{wake.commit}:{folder}" if folder else f"{url}#{wake.commit}"


def _branch(wake: Wake) -> str | None:
    heads = "refs/heads/"
    return wake.ref.removeprefix(heads) if wake.ref and wake.ref.startswith(heads) else None


def _without_secrets(request: RunRequest) -> RunRequest:
    """A run of a stranger's commit is given no token, no login and no secret of the task."""
    step: DockerStep = request.step.model_copy(update={"secrets": {}})
    multi = request.multi
    if multi is not None and multi.source.model_dump().get("set_secret"):
        raise WrongUsage(
            f"a pull request from a fork is given no secrets, and {request.task} needs some"
        )
    return replace(request, token=None, logins={}, registries=(), step=step)
