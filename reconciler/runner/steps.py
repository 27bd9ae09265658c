"""One step of a run from its start to what became of it. Decides nothing about the others."""

from __future__ import annotations

from dataclasses import replace

from reconciler.base.errors import RegistryRefused
from reconciler.model.container import (
    ContainerEnd,
    ContainerRequest,
    SecretFolder,
    Stream,
    TakeOutput,
)
from reconciler.model.run import Reason, RunStatus, StepStatus
from reconciler.runner.attempts import Ear, try_often
from reconciler.runner.buildstep import build_step
from reconciler.runner.containers import step_labels, thing_name
from reconciler.runner.detached import go_on_beside
from reconciler.runner.failure import Failure, Stop, written_failure
from reconciler.runner.ledger import StepFailed
from reconciler.runner.push import push_names
from reconciler.runner.site import Site
from reconciler.runner.stepimage import step_image, with_tag
from reconciler.runner.stopping import StepWatch
from reconciler.runner.work import Work
from reconciler.taskfile.tasks import BuildStep, CmdStep, PushStep, Step


def perform(step: Step, site: Site) -> None:
    """Do a step and write down what became of it.

    Raises Failure if the run ends with it, Stop if it was halted, EngineUnavailable.
    """
    if step.start_delay and site.halt.wait(step.start_delay):
        return
    ledger, watch = site.work.ledger, StepWatch(site.halt, site.work.ports.monotonic, step.timeout)
    ledger.begin_step(step.id, step.kind)
    try:
        code = _do(step, replace(site.work, watch=watch), watch, site)
    except Stop as stop:
        _stopped(step, stop, site)
    except Failure as failure:
        code_of_it = failure.exit_code if isinstance(failure, StepFailed) else None
        _failed(step, failure, StepStatus.FAILED, code_of_it, site)
    except BaseException:
        ledger.close_step(step.id, StepStatus.FAILED)
        raise
    else:
        if code is not None:
            ledger.close_step(step.id, StepStatus.SUCCEEDED, code)


def _do(step: Step, work: Work, watch: StepWatch, site: Site) -> int | None:
    """The exit code, None for a container that goes on by itself and is closed already."""
    if isinstance(step, CmdStep):
        return _cmd(step, work, watch, site)
    watch.begin()
    if isinstance(step, PushStep):
        return _push(step, work, site)
    return try_often(
        step.attempts,
        lambda attempt, ear: _build(step, attempt, ear, work, site),
        watch.pause,
        lambda attempt, text: work.ledger.say(step.id, text, attempt),
    )


def _failed(step: Step, failure: Failure, status: StepStatus, code: int | None, site: Site) -> None:
    """Close a failed step; the run goes on only if its errors are ignored."""
    ignored = step.ignore_errors and failure.status is RunStatus.FAILED
    told = StepStatus.IGNORED if ignored else status
    site.work.ledger.close_step(step.id, told, code, failure.reason)
    if not ignored:
        raise failure
    site.work.ledger.say(step.id, f"ignored: {failure.message}")


def _stopped(step: Step, stop: Stop, site: Site) -> None:
    if stop.reason is Reason.TIMEOUT and not site.halt.is_set():
        message = f'step "{step.id}" {stop.message}'
        _failed(step, Failure(Reason.TIMEOUT, message), StepStatus.TIMED_OUT, None, site)
        return
    site.work.ledger.close_step(step.id, StepStatus.CANCELED)
    raise stop


# --------------------------------------------------------------------- build
def _build(step: BuildStep, attempt: int, ear: Ear, work: Work, site: Site) -> int:
    """Build once. Steps made the files: what cannot be read of them fails this step, no more."""
    try:
        return build_step(step, attempt, ear, work, site)
    except OSError as error:
        message = f'the files of step "{step.id}" cannot be read'
        place = work.ports.folder.parent
        raise written_failure(error, place, Reason.SOURCE_MISSING, message) from None


# ---------------------------------------------------------------------- push
def _push(step: PushStep, work: Work, site: Site) -> int:
    if not site.multi.push:
        work.ledger.say(step.id, f"{', '.join(step.images)}: not pushed (--no-push)")
        return 0
    try:
        push_names(tuple(map(with_tag, step.images)), site.images, work, step=step.id)
    except RegistryRefused as error:
        raise Failure(Reason.PUSH_AUTH, error.message) from None
    return 0


# ----------------------------------------------------------------------- cmd
def _cmd(step: CmdStep, work: Work, watch: StepWatch, site: Site) -> int | None:
    image = step_image(step, work, watch, site)
    watch.begin()

    def once(attempt: int, ear: Ear) -> int:
        request = _request(step, image, attempt, site)
        if step.detach:
            end = go_on_beside(step.id, request, attempt, site, step.exited_with)
            return 0 if end is None else _code(step, end)
        with work.ledger.output(step.id, attempt) as output:
            end = site.containers.run(request, _both(output, ear), watch, _nothing)
        if end.stopped:
            watch.check()
        return _code(step, end)

    code = try_often(
        step.attempts,
        once,
        watch.pause,
        lambda attempt, text: work.ledger.say(step.id, text, attempt),
    )
    return None if step.detach else code


def _code(step: CmdStep, end: ContainerEnd) -> int:
    """The exit code of a success. Raises StepFailed."""
    if end.message is not None:
        message = f'step "{step.id}" cannot be started: {end.message}'
        raise StepFailed(Reason.STEP, message, end.exit_code)
    if not step.succeeded(end.exit_code):
        why = ": it ran out of memory" if end.out_of_memory else ""
        message = f'step "{step.id}" exited with {end.exit_code}{why}'
        raise StepFailed(Reason.STEP, message, end.exit_code)
    return end.exit_code


def _both(*takers: TakeOutput) -> TakeOutput:
    def take(chunk: bytes, stream: Stream) -> None:
        for taker in takers:
            taker(chunk, stream)

    return take


def _nothing() -> None:
    return None


def _request(step: CmdStep, image: str, attempt: int, site: Site) -> ContainerRequest:
    run, fence = site.work.request.id, site.work.ports.fence
    network = site.network(step.network)
    return ContainerRequest(
        name=thing_name(run, step.id, str(attempt), fence=fence),
        image=image,
        labels=step_labels(site.containers.instance, run, step.id, attempt, fence),
        argv=step.argv,
        env=tuple(f"{name}={value}" for name, value in step.env),
        entry_point=step.entry_point,
        working_directory=step.working_directory,
        user=step.user,
        cpus=step.cpus,
        isolation=step.isolation,
        privileged=step.privileged,
        ports=step.ports,
        expose=step.expose,
        network=network,
        aliases=(step.id,) if site.is_shared(network) else (),
        volume=site.volume,
        secrets=_secrets(step, site),
        docker_socket=site.multi.docker_socket,
        closed=site.work.request.offline,
        keep=step.keep,
    )


def _secrets(step: CmdStep, site: Site) -> tuple[SecretFolder, ...]:
    """The volumes that a step mounts, one on several paths too."""
    volumes = {volume.name: volume.files for volume in site.task.volumes}
    return tuple(
        SecretFolder(mount.path, volumes[mount.volume])
        for mount in step.mounts
        if mount.volume in volumes
    )
