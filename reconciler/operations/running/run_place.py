"""Where runs are kept and what they work with: wires the runner's ports. Decides nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.base.canonical import fingerprint
from reconciler.base.clock import Clock
from reconciler.base.errors import StateFull
from reconciler.model.build import Login
from reconciler.model.run import LogLine, RunRecord
from reconciler.model.workspace import PlatformEngine
from reconciler.operations.running.observed import remember_observed

if TYPE_CHECKING:  # late: the database and docker-py are slow to import
    from reconciler.model.choice import Needs
    from reconciler.operations.running.credentials import Credentials
    from reconciler.operations.workspace import OpenWorkspace
    from reconciler.runner.containers import Containers
    from reconciler.runner.ports import Builder, Fetcher, Images, LogSink, Ports
    from reconciler.runner.request import RunRequest
    from reconciler.store.database import Database
    from reconciler.store.logs import LogFile


@dataclass(frozen=True, slots=True)
class RunPlace:
    """A state with its runs and logs, and the environment runs work in.

    `root` is the workspace, or the folder of the state outside of any; files of secrets are
    relative to `secrets`; `platforms` is what the workspace declares of them; plain http is used
    for hosts in `insecure` only, `declared` are all hosts that the workspace names. `fence` counts
    those who had the run that is done here, from 1.
    """

    database: Database
    logs: Path
    environment: Mapping[str, str]
    clock: Clock
    actor: str
    root: Path | None = None
    secrets: Path | None = None
    platforms: Mapping[str, PlatformEngine] = field(default_factory=dict)
    insecure: frozenset[str] = frozenset()
    large_context: int = 100_000_000
    declared: frozenset[str] = frozenset()
    fence: int = 1

    @property
    def work(self) -> Path:
        """Where runs have their working folders, beside the logs."""
        return self.logs.with_name("work")

    def engine_of(self, platform: str) -> PlatformEngine:
        """The engine of a platform and what builds for it; the usual one if none is declared."""
        return self.platforms.get(platform, PlatformEngine())


def place_of(opened: OpenWorkspace) -> RunPlace:
    """The place of runs of an open workspace. Opens the state. Raises StateUnusable."""
    config = opened.workspace
    return RunPlace(
        database=opened.database,
        logs=opened.state_folder / "logs",
        environment=opened.environment,
        clock=opened.clock,
        actor=opened.actor,
        root=opened.root,
        secrets=opened.files.root,
        platforms=config.platforms,
        insecure=frozenset(name for name, host in config.hosts.items() if host.insecure),
        large_context=config.contexts.warn_above_bytes,
        declared=frozenset(config.hosts),
    )


@dataclass(frozen=True, slots=True)
class Watchers:
    """Who is told while a run goes on."""

    on_record: Callable[[RunRecord], None] = lambda _record: None
    on_lines: Callable[[Sequence[LogLine]], None] = lambda _lines: None


class _Sink:
    """Stores lines, then shows them: what was shown is in the log, up to the log's own bound."""

    def __init__(self, file: LogFile, show: Callable[[Sequence[LogLine]], None]) -> None:
        self._file, self._show = file, show

    def write(self, *lines: LogLine) -> None:
        self._file.write(*lines)
        self._show(lines)


def wire_ports(
    place: RunPlace,
    request: RunRequest,
    *,
    fetch: Fetcher,
    folder: Path,
    credentials: Credentials,
    log: LogFile,
    watchers: Watchers,
    interrupted: Callable[[], bool],
    stored: bool = False,
    save: Callable[[RunRecord], None] | None = None,
) -> Ports:
    """The ports of one run, on the real engine, registry, files and database.

    `save` stores the run's states; without it this process owns the run.
    """
    from reconciler.operations.running.building import Wanted, open_builder  # noqa: PLC0415  (late)
    from reconciler.runner.ports import Ports  # noqa: PLC0415  (late)
    from reconciler.store.last_built import last_known  # noqa: PLC0415  (late)
    from reconciler.store.runs import cancel_requested  # noqa: PLC0415  (late)

    key, sink = place.database.key, _Sink(log, watchers.on_lines)
    run_id, platform = request.id, request.platform
    # Once a run, whichever door it opens first: a build opens no containers of its own.
    containers = cache(lambda: open_containers(place, platform, sink, tried=_packs(request)))

    def engine(needs: Needs) -> tuple[Images, Builder]:
        return open_builder(Wanted(place, platform, needs, folder, say), containers)

    def say(text: str) -> None:
        sink.write(LogLine(place.clock(), "run", text, stream="note"))

    return Ports(
        fetch=fetch,
        engine=engine,
        registry=lambda host, repository, reference, login: _served_digest(
            place, host, repository, reference, login
        ),
        secret=credentials.secret,
        login=credentials.login,
        fingerprint=lambda value: fingerprint(value, key),
        log=sink,
        on_record=_keeper(save or _saver(place, known=stored), watchers.on_record, log),
        canceled=lambda: cancel_requested(place.database, run_id),
        interrupted=interrupted,
        clock=place.clock,
        monotonic=time.monotonic,
        folder=folder,
        containers=containers,
        large_context=place.large_context,
        fence=place.fence,
        seen=lambda reference: last_known(place.database, request.task, reference, platform),
    )


def _packs(request: RunRequest) -> bool:
    return request.multi is not None and request.multi.pack is not None


def open_containers(
    place: RunPlace, platform: str, sink: LogSink, *, tried: bool = False
) -> Containers:
    """The containers of a platform's engine; what dead runs left there is removed, and said so.

    `tried`: the engine shows first that it runs the platform. Raises EngineUnavailable.
    """
    from reconciler.operations.running.sweep import engine_containers, sweep, swept_text  # noqa: PLC0415

    containers = engine_containers(place, place.engine_of(platform).engine)
    if tried:
        from reconciler.operations.running.platform_trial import check_runs  # noqa: PLC0415  (late)

        check_runs(containers.engine, platform)
    swept = sweep(place, containers)
    if swept.runs:
        sink.write(LogLine(place.clock(), "run", swept_text(swept), stream="note"))
    return containers


def _served_digest(
    place: RunPlace, host: str, repository: str, reference: str, login: Login | None
) -> str | None:
    from reconciler.adapters.web.registry import served_digest  # noqa: PLC0415  (late: httpx)

    return served_digest(host, repository, reference, login=login, insecure=place.insecure)


def _saver(place: RunPlace, *, known: bool) -> Callable[[RunRecord], None]:
    """Stores the states of a run of this process, as a new row if it is not known."""
    from reconciler.adapters.processes.alive import this_process  # noqa: PLC0415  (late)
    from reconciler.store.runs import insert_run, update_run  # noqa: PLC0415  (late)

    def save(record: RunRecord) -> None:
        nonlocal known
        if known:
            update_run(place.database, record, remember_observed)
        else:
            own = this_process()
            insert_run(
                place.database, record, host=own.host, pid=own.pid, process_started=own.started
            )
            known = True

    return save


def _keeper(
    save: Callable[[RunRecord], None], show: Callable[[RunRecord], None], log: LogFile
) -> Callable[[RunRecord], None]:
    """Stores each state of a record, then shows it.

    On a full disk the last state has the room that the log has held back.
    """

    def keep(record: RunRecord) -> None:
        try:
            save(record)
        except StateFull:
            if not record.status.final or not log.release():
                raise
            save(record)
        show(record)

    return keep
