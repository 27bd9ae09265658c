"""A run of several steps: fetch, read, check, open its place, do the steps, clear up. Builds none.

Whatever happens, the containers, networks and the volume of the run are removed at its end.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from reconciler.base.errors import EngineUnavailable
from reconciler.base.redact import Redactor
from reconciler.model.context import ContextKind, context_kind
from reconciler.model.run import Reason
from reconciler.runner.buildcheck import check_build
from reconciler.runner.buildwords import refuse_secrets_in_words
from reconciler.runner.containers import Containers
from reconciler.runner.context import measure
from reconciler.runner.detached import end_all, settle
from reconciler.runner.egress import check_egress
from reconciler.runner.failure import Failure
from reconciler.runner.fetch import fetch_context, warn_of_size
from reconciler.runner.multistep import MultiStep
from reconciler.runner.packing import pack_task, read_back, with_builder
from reconciler.runner.ports import Fetched
from reconciler.runner.pushable import check_pushable
from reconciler.runner.schedule import default_width, run_graph
from reconciler.runner.site import (
    Site,
    no_containers,
    open_site,
    starts_containers,
)
from reconciler.runner.steps import perform
from reconciler.runner.taskread import read_task
from reconciler.runner.variables import run_variables
from reconciler.runner.work import Work
from reconciler.taskfile.steps.limits import file_limits
from reconciler.taskfile.tasks import BuildStep, CmdStep, PushStep, Step, TaskFile

_PLACE = "run"  # what lines about the place stand under


def run_task_file(multi: MultiStep, work: Work) -> None:
    """Do the steps of a request. Raises Failure, Stop or EngineUnavailable."""
    fetched = _fetch(work)
    variables = run_variables(work, fetched, _declared_platform(work))
    if multi.pack is None:
        task = read_task(multi, fetched, variables, work)
    else:
        task = pack_task(multi.pack, variables, work)
    check_egress(task, work)
    for step in task.steps:
        _check(step, task, work)
    work.ledger.plan_steps(*[(step.id, step.kind) for step in task.steps])
    if not task.steps:
        work.ledger.say(_PLACE, "there is no step to do")
        return
    if not starts_containers(task):
        _do_steps(open_site(work, multi, task, fetched, None))
        return
    if work.ports.containers is None:
        raise no_containers()  # wired wrongly
    containers = work.ports.containers()
    _check_engine(task, containers)
    with _clearing_up(containers, work):
        site = open_site(work, multi, task, fetched, containers)
        _do_steps(site if multi.pack is None else with_builder(multi.pack, site))
    if multi.pack is not None:
        read_back(multi.pack, variables, work)


def _do_steps(site: Site) -> None:
    steps = {step.id: step for step in site.task.steps}
    try:
        error = run_graph(
            {step.id: step.needs for step in site.task.steps},
            lambda name: perform(steps[name], site),
            width=default_width(),
            halt=site.halt,
            stopping=site.work.watch,
        )
        if error is None:
            settle(site)
    finally:
        end_all(site)
    # Halted from outside, a step's own error only says that it was stopped.
    site.work.watch.check()
    if error is not None:
        raise error


@contextlib.contextmanager
def _clearing_up(containers: Containers, work: Work) -> Iterator[None]:
    try:
        yield
    finally:
        with contextlib.suppress(EngineUnavailable):
            for name in containers.remove_run(work.request.id):
                work.ledger.say(_PLACE, f"note: {name} is still in use; it is removed later")


# --------------------------------------------------------------------- fetch
def _fetch(work: Work) -> Fetched:
    before = work.ports.monotonic()
    work.watch.check()
    if context_kind(work.request.source) is ContextKind.NONE:
        folder = work.ports.folder / "empty"
        folder.mkdir()
        multi = work.request.multi
        if work.request.text is not None and multi is not None and multi.file is not None:
            (folder / multi.file.path).write_text(work.request.text, "utf-8")
        return Fetched(folder, folder)
    fetched = fetch_context(work)
    dockerfile, local = fetched.folder / "Dockerfile", work.request.local
    size = measure(fetched.folder, dockerfile, work.watch.check, local=local)
    warn_of_size(size, work)
    work.ledger.note(
        commit=fetched.commit,
        branch=fetched.branch,
        dirty=fetched.dirty,
        context_bytes=size.bytes,
        context_files=size.files,
        context_seconds=work.ports.monotonic() - before,
    )
    return fetched


def _declared_platform(work: Work) -> tuple[str, str]:
    """The engine may still be closed here, so that a wrong task file is told without one."""
    system, _, architecture = work.request.platform.partition("/")
    return system, architecture.partition("/")[0]


# -------------------------------------------------------------------- checks
def _check_engine(task: TaskFile, containers: Containers) -> None:
    """Raise Failure (secret-denied) if secret files would have to lie on another machine."""
    step = next((step for step in task.steps if isinstance(step, CmdStep) and step.mounts), None)
    if step is not None and containers.remote:
        message = f'step "{step.id}" (line {step.line}) mounts a secret volume'
        why = "its files lie in the memory of this machine, and the engine is on another one"
        fix = "run where the engine runs, or hand the secret over in env"
        raise Failure(Reason.SECRET_DENIED, f"{message}: {why}; {fix}")


def _check(step: Step, task: TaskFile, work: Work) -> None:
    """Raise Failure (taskfile-invalid) for a step that must not begin."""
    if isinstance(step, BuildStep):
        refuse_secrets_in_words(step, task.masked)
        check_build(step, task.masked, offline=work.request.offline)
    elif isinstance(step, PushStep):
        for name in step.images:
            check_pushable(name, f'step "{step.id}" (line {step.line})', work)
    else:
        _check_privileged(step, work)
        _warn_of_secrets(step, task, work)


def _check_privileged(step: CmdStep, work: Work) -> None:
    """A file of the context decides nothing about the build machine: the task's spec does.

    Steps that stand in the spec itself are judged by policy.
    """
    multi = work.request.multi
    if multi is None or not multi.file:
        return
    for limit in file_limits(step, docker_socket=multi.docker_socket):
        message = f'step "{step.id}" (line {step.line}) {limit.message}'
        raise Failure(Reason.TASKFILE_INVALID, f"{message}; {limit.fix}")


def _warn_of_secrets(step: CmdStep, task: TaskFile, work: Work) -> None:
    redactor = Redactor(task.masked)
    if any(redactor.text(word) != word for word in step.argv):
        text = "a secret among the words of a command is seen by all who list processes; use env"
        work.ledger.say(step.id, f"warning: {text}")
