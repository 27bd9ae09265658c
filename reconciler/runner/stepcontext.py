"""What a build step sees: the workspace as it is by now, or a repository of its own."""

from __future__ import annotations

import posixpath
import shutil
from pathlib import Path

from reconciler.model.container import WORKSPACE
from reconciler.model.run import Reason
from reconciler.runner.failure import Failure, Stop, written_failure
from reconciler.runner.fetch import mask_login
from reconciler.runner.ports import Fetched
from reconciler.runner.site import Site
from reconciler.runner.work import Work
from reconciler.taskfile.steps.buildcontext import dockerfile_of
from reconciler.taskfile.steps.limits import is_fetched
from reconciler.taskfile.tasks import BuildStep, CmdStep


def context_path(step: BuildStep) -> str:
    """The context as a path inside what holds it, `.` for all of it; checked before the run."""
    if is_fetched(step.build.context):
        return "."
    return _inside(posixpath.join(step.working_directory or WORKSPACE, step.build.context))


def _inside(path: str) -> str:
    return posixpath.relpath(posixpath.normpath(path), WORKSPACE)


def dockerfile_path(step: BuildStep, context: str) -> str:
    """The Dockerfile inside the workspace.

    Of a repository that is fetched `-f` is relative to the folder that is built, as docker has it.
    """
    if is_fetched(step.build.context):
        return step.build.file or posixpath.join(context, "Dockerfile")
    return dockerfile_of(step)


def step_context(step: BuildStep, work: Work, site: Site) -> Fetched:
    """What the build sees: a repository of its own, or the workspace.

    The workspace is as fetched until a step may have changed it.
    """
    if is_fetched(step.build.context):
        return _repository(step, work)
    if site.volume is None or not _may_have_changed(step, site):
        return site.fetched
    place = site.work.ports.folder
    try:
        folder = _new_folder(place)
        found = site.containers.copy_out(site.volume, site.work.request.id, ".", folder)
    except OSError as error:
        message = f'the workspace cannot be copied for step "{step.id}"'
        failure = written_failure(error, place.parent, Reason.SOURCE_MISSING, message)
        # Half a workspace is nothing, and on a full disk the record of the run needs the room.
        shutil.rmtree(folder, ignore_errors=True)
        raise failure from None
    if not found:
        raise Failure(Reason.SOURCE_MISSING, f'the workspace of step "{step.id}" is gone')
    return Fetched(folder, folder)


def _repository(step: BuildStep, work: Work) -> Fetched:
    """The repository of a step, fetched as that of a run is. No token goes with it: the task file
    chose the address, and the token of the run was given for the address in its spec.
    """
    mask_login(step.build.context, work)
    try:
        fetched = work.ports.fetch(step.build.context, None, work.watch)
    except Stop:
        work.watch.check()  # out of time, or canceled
        raise
    for note in fetched.notes:
        work.ledger.say(step.id, f"note: {note}")
    if fetched.commit is not None:
        work.ledger.say(step.id, f"fetched {fetched.shown} at {fetched.commit}")
    return fetched


def _may_have_changed(step: BuildStep, site: Site) -> bool:
    """True if a container step comes before this one."""
    steps = {other.id: other for other in site.task.steps}
    seen: set[str] = set()
    waiting = list(step.needs)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += steps[name].needs
    return any(isinstance(steps[name], CmdStep) for name in seen)


def _new_folder(parent: Path) -> Path:
    number = 0
    while True:
        folder = parent / f"workspace-{number}"
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            number += 1
        else:
            return folder
