"""Runs: start one, list them, read their logs, cancel. Prints nothing, builds nothing itself."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.base.clock import to_iso
from reconciler.base.errors import ReconcilerError, WrongUsage
from reconciler.base.text import did_you_mean, one_line
from reconciler.model.build import Login
from reconciler.model.image import parse_reference
from reconciler.model.run import LogLine, OutputImage, RunRecord, RunStatus, TriggerKind
from reconciler.operations.running.run_place import (
    RunPlace,
    Watchers,
    wire_ports,
)

if TYPE_CHECKING:
    from reconciler.operations.running.contexts import Contexts
    from reconciler.runner.context import LocalFolders
    from reconciler.runner.request import RunRequest

# More than the time of grace that a container has.
CANCEL_SECONDS = 10


_KEEP = "spec.retention.logs says how long logs are kept; retention: {archive: true} keeps them"


class LogGone(ReconcilerError):
    """The log of a run was forgotten, or taken away."""

    code = "log-gone"


class UnknownRun(ReconcilerError):
    """No run, or more than one, has this id."""

    code = "unknown-run"


def start_run(
    place: RunPlace,
    request: RunRequest,
    *,
    watchers: Watchers | None = None,
    stored: bool = False,
    keep: Callable[[RunRecord], None] | None = None,
) -> RunRecord:
    """Do a run from its first line to its end, and return its final record.

    Ctrl-C and SIGTERM stop it in order; the record says so. `stored`: the state has the run
    already, and this process has claimed it. `keep` stores the run's states in place of that.
    """
    from reconciler.adapters.files import private_folder  # noqa: PLC0415  (late)
    from reconciler.adapters.processes.signals import stop_signals  # noqa: PLC0415  (late)
    from reconciler.operations.running.credentials import Credentials, open_secrets  # noqa: PLC0415
    from reconciler.runner.execute import execute  # noqa: PLC0415  (late)
    from reconciler.store.logs import LogFile, log_path  # noqa: PLC0415  (late)

    log = LogFile(log_path(place.logs, request.id))
    try:
        with (
            stop_signals() as interrupted,
            private_folder(place.work) as work,
            open_secrets(place, interrupted.is_set) as secrets,
        ):
            credentials = Credentials(place, request, secrets)
            ports = wire_ports(
                place,
                request,
                fetch=contexts_of(place, request, work, credentials.login),
                folder=work,
                credentials=credentials,
                log=log,
                watchers=watchers or Watchers(),
                interrupted=interrupted.is_set,
                stored=stored,
                save=keep,
            )
            return execute(request, ports)
    finally:
        log.close()


def contexts_of(
    place: RunPlace, request: RunRequest, work: Path, login: Callable[[str], Login | None]
) -> Contexts:
    """What fetches the context of a run into a folder of it, and those that its file names."""
    from reconciler.operations.running.contexts import Contexts, OwnSource  # noqa: PLC0415  (late)

    own = OwnSource(
        request.source,
        request.submodules,
        known=request.known_commit,
        files=files_of(request),
    )
    return Contexts(folders_of(place, request), work, place.insecure, own, login)


def files_of(request: RunRequest) -> dict[str, str]:
    """The Dockerfile of a build without a context, by its name."""
    if request.text is None or request.multi is not None:
        return {}
    return {request.step.file: request.text}


def folders_of(place: RunPlace, request: RunRequest) -> LocalFolders:
    """Local contexts: inside the workspace, or anywhere if a person named the folder."""
    from reconciler.adapters.git.checkout import head_of  # noqa: PLC0415  (late)
    from reconciler.runner.context import LocalFolders  # noqa: PLC0415  (late)

    if request.folder is not None:
        return LocalFolders(Path(request.folder), None, head_of)
    return LocalFolders(place.root or Path.cwd(), place.root, head_of)


# ------------------------------------------------------------------- reading
def report_lost(place: RunPlace) -> list[RunRecord]:
    """Close the runs of this host whose process is gone, and return them.

    Programs and private folders that such a process left are removed: they may hold a secret.
    """
    from reconciler.adapters.files import memory_folder, sweep_private_folders  # noqa: PLC0415
    from reconciler.adapters.processes.alive import is_alive, this_process  # noqa: PLC0415  (late)
    from reconciler.adapters.processes.owner import end_orphans  # noqa: PLC0415  (late)
    from reconciler.store.runs import adopt_lost  # noqa: PLC0415  (late)

    host = this_process().host
    lost = adopt_lost(place.database, host=host, alive=is_alive, now=place.clock())
    if lost:
        end_orphans()
        sweep_private_folders(memory_folder())
        sweep_private_folders(place.work)
    return lost


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs. `task` is an address, or a name that tasks of any registry may have.

    `image` is a glob over the names a run made, with or without registry and tag; `*` matches
    slashes too.
    """

    task: str | None = None
    status: RunStatus | None = None
    image: str | None = None
    trigger: TriggerKind | None = None
    limit: int = 20

    def matches(self, record: RunRecord) -> bool:
        """True if image and trigger are those of a run."""
        if self.trigger is not None and record.trigger is not self.trigger:
            return False
        names = (name for output in record.outputs for name in _names(output))
        glob = self.image
        return glob is None or any(fnmatch.fnmatchcase(name, glob) for name in names)


def _names(output: OutputImage) -> Iterator[str]:
    """`server/web:1` is also `server/web`, `web:1` and `web`."""
    try:
        parts = parse_reference(output.reference)
    except ValueError:
        yield output.reference
        return
    short = replace(parts, registry=None)
    for name in (parts, short):
        yield str(name)
        yield str(replace(name, tag=None))


def list_runs(place: RunPlace, wanted: RunFilter) -> list[RunRecord]:
    """Runs, newest first. Raises UnknownTask for a task that is neither live nor has any run."""
    from reconciler.store.runs import list_runs as stored  # noqa: PLC0415  (late)

    looks = wanted.image is not None or wanted.trigger is not None
    found = stored(
        place.database,
        task=wanted.task,
        status=wanted.status,
        limit=wanted.limit,
        chosen=wanted.matches if looks else None,
    )
    if not found and wanted.task is not None:
        _check_known(place, wanted.task)
    return found


def _check_known(place: RunPlace, task: str) -> None:
    from reconciler.operations.running.run_requests import UnknownTask  # noqa: PLC0415  (late)
    from reconciler.store.last_runs import last_runs  # noqa: PLC0415  (late)
    from reconciler.store.tasks import read_live  # noqa: PLC0415  (late)

    with place.database.read() as connection:
        known = {row.address for row in read_live(connection)}
    known |= set(last_runs(place.database))
    names = known | {address.rpartition("/")[2] for address in known}
    if task in names:
        return
    near = did_you_mean(task, sorted(names))
    hint = f"did you mean {near}?" if near else "see them with: reconciler tasks"
    raise UnknownTask(f"no task is called {one_line(task, 80)}", hint=hint)


def get_run(place: RunPlace, prefix: str) -> RunRecord:
    """The run whose id begins with a text. Raises UnknownRun if there is not exactly one."""
    from reconciler.store.runs import find_runs  # noqa: PLC0415  (late)

    if not prefix:
        raise WrongUsage("give the id of a run", hint="see them with: reconciler runs")
    found = find_runs(place.database, prefix)
    if len(found) == 1:
        return found[0]
    shown = one_line(prefix, 40)
    if not found:
        raise UnknownRun(f"there is no run {shown}", hint="see them with: reconciler runs")
    ids = ", ".join(record.id for record in found)
    raise UnknownRun(f"more than one run begins with {shown}: {ids}")


def run_log(
    place: RunPlace, record: RunRecord, *, follow: bool, step: str | None = None
) -> Iterator[LogLine]:
    """The lines of a run, or of one step; with `follow` those to come too, until it has ended.

    The run may belong to another process. Raises WrongUsage for a step that it never had, LogGone
    if the log was forgotten.
    """
    from reconciler.store.logs import follow_log, log_path, read_log  # noqa: PLC0415  (late)

    path = log_path(place.logs, record.id)
    if record.status.final and record.started is not None and not path.exists():
        ended = f"it ended {to_iso(record.finished)}" if record.finished else "it has ended"
        raise LogGone(f"the log of run {record.id} is not there any more: {ended}", hint=_KEEP)
    finished = _ended(place, record.id)
    lines = follow_log(path, finished=finished, sleep=time.sleep) if follow else read_log(path)
    if step is None:
        yield from lines
        return
    seen = {known.name for known in record.steps}
    for line in lines:
        seen.add(line.step)
        if line.step == step:
            yield line
    if step not in seen:
        raise _no_step(record, step, seen)


def _no_step(record: RunRecord, step: str, seen: set[str]) -> WrongUsage:
    near = did_you_mean(step, sorted(seen))
    hint = f"did you mean {near}?" if near else f"it has {', '.join(sorted(seen)) or 'no steps'}"
    return WrongUsage(f"run {record.id} has no step {one_line(step, 80)}", hint=hint)


def _ended(place: RunPlace, run_id: str) -> Callable[[], bool]:
    def ended() -> bool:
        record = get_run(place, run_id)
        if not record.status.final:
            report_lost(place)
        return record.status.final

    return ended


# -------------------------------------------------------------------- cancel
def cancel_run(
    place: RunPlace,
    prefix: str,
    *,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> RunRecord:
    """Ask a run to stop and wait a little for it; the record says whether it has.

    One that still waits for a worker ends at once: there may be none. Raises UnknownRun, or
    WrongUsage if it had ended already.
    """
    from reconciler.store.claims import cancel_waiting  # noqa: PLC0415  (late)
    from reconciler.store.runs import request_cancel  # noqa: PLC0415  (late)

    report_lost(place)
    record = get_run(place, prefix)
    if cancel_waiting(place.database, record.id, place.actor, place.clock):
        return get_run(place, record.id)
    if not request_cancel(place.database, record.id, place.actor):
        raise WrongUsage(f"run {record.id} has ended: {record.status}")
    deadline = monotonic() + CANCEL_SECONDS
    while not record.status.final and monotonic() < deadline:
        sleep(0.1)
        record = get_run(place, record.id)
    return record
