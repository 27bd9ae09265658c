"""One run from first line to outcome: check, fetch, prepare, build, push. Keeps and prints nothing.

A failure is one exception that carries its reason; whatever happens, the record ends final.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from reconciler.base.errors import EngineUnavailable, ReconcilerError, RegistryRefused, StateFull
from reconciler.model.build import BuildRequest, BuildResult
from reconciler.model.choice import Needs
from reconciler.model.run import Reason, RunRecord, RunStatus
from reconciler.runner.bases import provide_bases, read_dependencies
from reconciler.runner.context import find_dockerfile, measure, read_dockerfile
from reconciler.runner.demands import read_demands, refuse_missing_secrets
from reconciler.runner.egress import check_dockerfile
from reconciler.runner.failure import Failure, Stop
from reconciler.runner.fetch import fetch_context, warn_of_size
from reconciler.runner.labels import image_labels
from reconciler.runner.ledger import Ledger, StepFailed
from reconciler.runner.logins import read_logins
from reconciler.runner.names import changed_in_tags, image_names
from reconciler.runner.pinning import pinned_dockerfile
from reconciler.runner.ports import Builder, Fetched, Images, Ports
from reconciler.runner.push import note_built, push_all
from reconciler.runner.request import RunRequest
from reconciler.runner.secrets import read_secrets, refuse_leaked_secrets, refuse_secret_arguments
from reconciler.runner.stopping import StopWatch
from reconciler.runner.taskrun import run_task_file
from reconciler.runner.triggers import check_triggers
from reconciler.runner.variables import check_variables, expand_all, run_variables
from reconciler.runner.work import Work
from reconciler.taskfile.dockerfile.demands import BuildDemands

_GIVE = "give it with docker.secrets: {NAME: env:VARIABLE} or --secret NAME=env:VARIABLE"
_BASE_REFUSED = ("failed to load metadata", "failed to resolve source", "pull access denied")


def execute(request: RunRequest, ports: Ports) -> RunRecord:
    """Do one run and return its final record, which was also handed to `ports.on_record`.

    Raises nothing that the record can say; an unexpected error closes the record and goes on.
    """
    ledger = Ledger(request.first_record(ports.clock()), ports)
    work = Work(request, ports, ledger, StopWatch(ports, request.timeout))
    try:
        ledger.note(status=RunStatus.RUNNING, started=ledger.now())
        read_logins(work)
        _do(work)
        return _finish(ledger, RunStatus.SUCCEEDED)
    except Failure as failure:
        return _finish(ledger, failure.status, failure.reason, failure.message)
    except Stop as stop:
        known = _known_stop(work) or stop
        return _finish(ledger, known.status, known.reason, known.message)
    except EngineUnavailable as error:
        message = f"{error.message}; {error.hint}" if error.hint else error.message
        return _finish(ledger, RunStatus.ERROR, Reason.ENGINE, message)
    except StateFull as error:
        message = f"{error.message}; {error.hint}"
        with contextlib.suppress(StateFull):
            ledger.say("run", message)
        return _finish(ledger, RunStatus.ERROR, Reason.DISK, message)
    except BaseException as error:
        with contextlib.suppress(ReconcilerError):
            message = f"the run broke off: {type(error).__name__}"
            _finish(ledger, RunStatus.ERROR, Reason.LOST, message)
        raise


def _finish(
    ledger: Ledger, status: RunStatus, reason: Reason | None = None, message: str | None = None
) -> RunRecord:
    ledger.note(status=status, reason=reason, message=message, finished=ledger.now())
    return ledger.record


def _known_stop(work: Work) -> Stop | None:
    """Who or what stopped the run: what broke off for it may not know."""
    try:
        work.watch.check()
    except Stop as stop:
        return stop
    return None


def _do(work: Work) -> None:
    if work.request.multi is not None:
        run_task_file(work.request.multi, work)
        return
    _check(work.request)
    work.ledger.plan_steps(("build", "build"), *[("push", "push")] * work.request.pushes)
    fetched, dockerfile = _fetch(work)
    demands = _demands(work, dockerfile)
    needs = Needs(secrets=bool(work.request.step.secrets), runs=demands.runs)
    images, builder = work.ports.engine(needs)
    prepared = _prepare(work, fetched, dockerfile, demands, images=images, builder=builder)
    image_id = _build(work, prepared, images, builder)
    _deliver(work, prepared.names, image_id, images)


# -------------------------------------------------------------------- check
def _check(request: RunRequest) -> None:
    """Wrong variables are told before anything is done."""
    for image in request.step.images:
        check_variables(image, f"image {image}")
    for name, value in request.step.args.items():
        check_variables(value, f"argument {name}")


# -------------------------------------------------------------------- fetch
def _fetch(work: Work) -> tuple[Fetched, Path]:
    """Bring the context here, find the Dockerfile in it, note what it is."""
    before = work.ports.monotonic()
    work.watch.check()
    fetched = fetch_context(work)
    dockerfile = find_dockerfile(fetched, work.request.step.file)
    local, root = work.request.local, fetched.root
    size = measure(fetched.folder, dockerfile, work.watch.check, root=root, local=local)
    warn_of_size(size, work)
    work.ledger.note(
        commit=fetched.commit,
        branch=fetched.branch,
        dirty=fetched.dirty,
        context_bytes=size.bytes,
        context_files=size.files,
        context_seconds=work.ports.monotonic() - before,
    )
    return fetched, dockerfile


# ------------------------------------------------------------------ prepare
def _demands(work: Work, dockerfile: Path) -> BuildDemands:
    """What the Dockerfile asks for. Raises Failure for a secret that nobody gives."""
    step = work.request.step
    demands = read_demands(
        read_dockerfile(dockerfile),
        args=step.args,
        target=step.target,
        platform=work.request.platform,
    )
    refuse_missing_secrets(demands, step.secrets, file=step.file, where="", fix=_GIVE)
    return demands


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the builder is asked, and the complete names of what it makes."""

    build: BuildRequest
    names: tuple[str, ...]


def _prepare(
    work: Work,
    fetched: Fetched,
    dockerfile: Path,
    demands: BuildDemands,
    *,
    images: Images,
    builder: Builder,
) -> Prepared:
    """Fill in variables, read secrets, have the base images ready."""
    request, step = work.request, work.request.step
    work.ledger.note(builder=builder.name)
    own = images.platform()
    variables = run_variables(work, fetched, own)
    names = image_names(step.images, variables, request.login_server, request.registries)
    if told := changed_in_tags(step.images, variables):
        work.ledger.say("build", f"note: {told}")
    args = expand_all(step.args, variables)
    check_dockerfile(read_dockerfile(dockerfile), step.file, args, builder.name, work)
    dependencies = read_dependencies(
        read_dockerfile(dockerfile),
        args=args,
        target=step.target,
        platform=request.platform,
        build_platform="/".join(own),
        tell=lambda text: work.ledger.say_unread("build", text),
        closed=request.offline,
        unneeded=request.offline and builder.name == "classic",
    )
    secrets = read_secrets(work, builder)
    refuse_secret_arguments(secrets, args, work)
    bases = provide_bases(dependencies, images, work)
    given, data = step.secrets, read_dockerfile(dockerfile)
    check_triggers(data, bases, given, work, name=step.file, where="", fix=_GIVE)
    local = fetched.folder if request.local else None
    dockerfile, bases = pinned_dockerfile(
        dockerfile,
        args,
        bases,
        work,
        build_platform="/".join(own),
        local=local,
        root=fetched.root,
    )
    work.ledger.note(bases=bases.records)
    build = BuildRequest(
        context=fetched.folder,
        dockerfile=dockerfile,
        tags=names,
        args=args,
        secrets=secrets,
        target=step.target,
        platform=request.platform,
        no_cache=step.no_cache,
        labels=image_labels(work.ledger.record, bases.records, demands.labels),
        offline=request.offline,
        keep=not request.pushes,
        scratch=work.ports.folder,
    )
    return Prepared(build, names)


# -------------------------------------------------------------------- build
def _build(work: Work, prepared: Prepared, images: Images, builder: Builder) -> str:
    """Build, and return the image's id. Raises Failure or Stop."""
    with work.ledger.step("build", "build"):
        work.watch.check()
        with work.ledger.output("build") as output:
            result = builder.build(prepared.build, output, work.watch)
        if result.stopped:
            work.watch.check()
        if result.image_id is None:
            raise _build_failure(result, images)
        secrets = dict(prepared.build.secrets)
        refuse_leaked_secrets(result.image_id, secrets, prepared.build.tags, images)
    return result.image_id


def _build_failure(result: BuildResult, images: Images) -> Failure:
    if not images.answers():
        message = "the container engine went away during the build"
        return Failure(Reason.ENGINE, message, status=RunStatus.ERROR)
    why = f": {result.message}" if result.message else ""
    if any(text in why for text in _BASE_REFUSED):
        return StepFailed(Reason.BASE_PULL, f"a base image cannot be pulled{why}", result.exit_code)
    return StepFailed(
        Reason.STEP, f'step "build" exited with {result.exit_code}{why}', result.exit_code
    )


# --------------------------------------------------------------------- push
def _deliver(work: Work, names: tuple[str, ...], image_id: str, images: Images) -> None:
    note_built(names, image_id, work)
    if work.request.pushes:
        try:
            push_all(names, images, work)
        except RegistryRefused as error:
            raise Failure(Reason.PUSH_AUTH, error.message) from None
    elif not names:
        work.ledger.say("build", f"built {image_id}; no image name was given: nothing is pushed")
    else:
        work.ledger.say("build", f"built {', '.join(names)}; nothing is pushed")
