"""What the steps of one run share while they run: engine, workspace, networks. Runs no step."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.model.choice import Needs
from reconciler.model.context import ContextKind, context_kind
from reconciler.model.run import Reason, RunStatus
from reconciler.runner.containers import Containers, thing_name
from reconciler.runner.failure import Failure, written_failure
from reconciler.runner.ignorefile import ignore_rules
from reconciler.runner.multistep import MultiStep
from reconciler.runner.ports import Builder, Fetched, Images
from reconciler.runner.work import Work
from reconciler.taskfile.steps.egress import NO_NETWORK, side_by_side
from reconciler.taskfile.tasks import DEFAULT_NETWORK, BuildStep, CmdStep, TaskFile

# The state, with the key of its fingerprints, is nothing for a step.
_NEVER_COPIED = ".reconciler"
_ENGINE_NETWORKS = frozenset({"host", "none", "bridge"})


@dataclass(frozen=True, slots=True)
class Detached:
    """A container that goes on beside the steps: who watches it, and when it began to run."""

    thread: threading.Thread
    begun: float


@dataclass(frozen=True, slots=True)
class Site:
    """The run's place. `volume` is None if no step needs a workspace, and `opened` if no engine.

    `halt` is set when nothing may go on; `over` when the last step has ended; `built` holds ids
    of images that steps made, by complete name; `changed_by` are the steps that may have written
    into the workspace.
    """

    work: Work
    multi: MultiStep
    task: TaskFile
    fetched: Fetched
    images: Images
    builder: Builder
    opened: Containers | None
    networks: Mapping[str, str]
    volume: str | None
    halt: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    preparing: threading.Lock = field(default_factory=threading.Lock)
    built: dict[str, str] = field(default_factory=dict)
    detached: list[Detached] = field(default_factory=list)

    @property
    def containers(self) -> Containers:
        """The containers of the engine. Raises Failure if the run has opened none."""
        if self.opened is None:
            raise no_containers()
        return self.opened

    def network(self, name: str | None) -> str | None:
        """The engine's name of a step's network."""
        if self.work.request.offline and name not in self.networks:
            return NO_NETWORK
        return self.networks.get(name, name) if name else None

    def is_shared(self, engine_name: str | None) -> bool:
        """True for a network where steps find each other by name."""
        return engine_name is not None and engine_name not in _ENGINE_NETWORKS


def no_containers() -> Failure:
    """The failure of a step that needs a container where nothing starts one."""
    return Failure(Reason.ENGINE, "there is no engine for containers", status=RunStatus.ERROR)


def starts_containers(task: TaskFile) -> bool:
    """True if a step runs in a container."""
    return any(isinstance(step, CmdStep) for step in task.steps)


def network_names(run: str, fence: int, task: TaskFile) -> dict[str, str]:
    """The engine's names of the networks that the run makes, by their names in the task file."""
    made = [network.name for network in task.networks if network.create]
    words = {name: () if name == DEFAULT_NETWORK else (name,) for name in made}
    return {name: thing_name(run, *words[name], fence=fence) for name in made}


def open_site(
    work: Work, multi: MultiStep, task: TaskFile, fetched: Fetched, containers: Containers | None
) -> Site:
    """Open the engine; make the networks and the workspace if any step needs them.

    Without containers (no step needs one) there may be no engine at all.

    Each of the three mostly waits for other programs, so they are done side by side. All have
    ended when this returns or raises. Raises Failure, Stop or EngineUnavailable.
    """
    if containers is None:
        images, builder = _open_engine(task, work)
        return Site(work, multi, task, fetched, images, builder, None, {}, None)
    # Who is alone needs no network: nothing holds better than having none.
    alone = work.request.offline and not side_by_side(task)
    networks = {} if alone else network_names(work.request.id, work.ports.fence, task)
    volume = thing_name(work.request.id, fence=work.ports.fence)
    with ThreadPoolExecutor(2) as beside:
        opening = beside.submit(_open_engine, task, work)
        making = beside.submit(_create_networks, networks, task, work, containers)
        _create_workspace(volume, fetched, work, containers)
        making.result()
        images, builder = opening.result()
    return Site(work, multi, task, fetched, images, builder, containers, networks, volume)


def _open_engine(task: TaskFile, work: Work) -> tuple[Images, Builder]:
    builds = [step for step in task.steps if isinstance(step, BuildStep)]
    needs = Needs(
        secrets=any(step.build.secrets for step in builds),
        runs=False,  # the Dockerfiles may be made by steps
        engine=starts_containers(task),
    )
    images, builder = work.ports.engine(needs)
    if builds:
        _ = builder.name  # looked for at its first use: now, while the engine works
    return images, builder


def _create_networks(
    names: Mapping[str, str], task: TaskFile, work: Work, containers: Containers
) -> None:
    with _engine_refusals():
        for network in task.networks:
            if network.name in names:
                containers.create_network(
                    names[network.name],
                    work.request.id,
                    driver=network.driver,
                    ipv6=network.ipv6,
                    internal=work.request.offline,
                )


def _create_workspace(volume: str, fetched: Fetched, work: Work, containers: Containers) -> None:
    work.watch.check()
    left_out = _left_out(work.request.source, fetched)
    try:
        with _engine_refusals():
            containers.create_workspace(
                volume, work.request.id, fetched.folder, left_out, work.watch.check
            )
    except OSError as error:
        place = Path(tempfile.gettempdir())  # where it is packed
        message = "the context cannot be copied"
        raise written_failure(error, place, Reason.SOURCE_MISSING, message) from None


@contextlib.contextmanager
def _engine_refusals() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        message = f"the engine cannot make the place of the run: {error}"
        raise Failure(Reason.ENGINE, message, status=RunStatus.ERROR) from None


class _left_out:  # noqa: N801  (used like a function)
    """Which paths of a context do not come into the workspace.

    A local folder obeys its `.dockerignore`, as ACR packs it; a repository is taken whole.
    """

    def __init__(self, source: str, fetched: Fetched) -> None:
        self._local = context_kind(source) is ContextKind.LOCAL
        folder = fetched.folder.resolve()
        self._rules = ignore_rules(
            folder, folder / "Dockerfile", root=fetched.root, local=self._local
        )

    def __call__(self, path: str) -> bool:
        if self._local and _NEVER_COPIED in path.split("/"):
            return True
        return self._local and self._rules.ignored(path)
