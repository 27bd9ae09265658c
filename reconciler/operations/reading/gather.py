"""READ, once: specs, policies, last applied and live tasks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.base.diagnostics import Diagnostic
from reconciler.base.source import Located
from reconciler.loader.crosscheck import CrossCheck, facts_of, found_at
from reconciler.loader.policies import PolicySet, load_policies
from reconciler.loader.specs import SpecReader
from reconciler.loader.taskcheck import TaskCheck
from reconciler.model.step import InlineTask
from reconciler.model.task import Task
from reconciler.model.workspace import KnownDrift
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.stored import Stored, StoredTasks

if TYPE_CHECKING:
    from reconciler.providers.base import LiveTask
    from reconciler.store.tasks import TaskRow

__all__ = [
    "Declared",
    "Stores",
    "glance_at_stores",
    "known_drift",
    "live_texts",
    "read_declared",
    "read_policies",
    "read_stores",
    "read_stores_by_digest",
    "servers_of",
    "task_check",
]


@dataclass(slots=True)
class Declared:
    """The declared tasks, as a stream. The other fields are complete once it is exhausted."""

    opened: OpenWorkspace
    diagnostics: list[Diagnostic] = field(default_factory=list)
    specs: int = 0
    defaults: int = 0
    digest: str = ""

    def tasks(self) -> Iterator[Located[Task]]:
        """Every usable task, in the order of files."""
        workspace = self.opened.workspace
        reader = SpecReader(self.opened.files, workspace.vars)
        check, together = task_check(self.opened), CrossCheck()
        for located in reader.tasks():
            together.diagnostics += check.problems(located)
            fresh = together.add(facts_of(located.value, workspace), found_at(located.source))
            if fresh and workspace.registry(located.value.metadata.registry) is not None:
                yield located
        self.diagnostics = [*reader.diagnostics, *together.finish()]
        self.specs, self.defaults = reader.spec_count, reader.defaults_count
        self.digest = reader.digest


@dataclass(frozen=True, slots=True)
class Stores:
    """Last applied and live tasks, by address, and the serial of the state.

    `untracked` are those whose base images were never looked at; only `by_digest` asks for them.
    """

    applied: Mapping[str, Stored]
    live: Mapping[str, Stored]
    state_id: str
    serial: int
    untracked: Collection[str] = ()


def task_check(opened: OpenWorkspace) -> TaskCheck:
    """The check of single tasks against a workspace."""
    return TaskCheck(opened.workspace, opened.environment.get("DOCKER_HOST"), _steps)


def _steps(located: Located[Task]) -> Iterator[Diagnostic]:
    """What is wrong with the steps that a spec holds, and with what they may reach."""
    spec = located.value.spec
    if isinstance(spec.step, InlineTask):
        from reconciler.operations.reading.inline_check import inline_problems  # noqa: PLC0415  (late: rare)

        yield from inline_problems(located)
    if spec.network.egress == "none":
        from reconciler.operations.reading.egress_check import egress_problems  # noqa: PLC0415  (late: rare)

        yield from egress_problems(located)


def read_declared(opened: OpenWorkspace) -> Declared:
    """The declared tasks of a workspace."""
    return Declared(opened)


def read_policies(opened: OpenWorkspace) -> PolicySet:
    """The policies and waivers of a workspace."""
    return load_policies(opened.files)


def read_stores(opened: OpenWorkspace) -> Stores:
    """Last applied and live tasks. Raises StateUnusable."""
    from reconciler.store.tasks import read_applied  # noqa: PLC0415  (late: SQLAlchemy)

    database = opened.database
    with database.read() as connection:
        applied = {row.address: _applied(row) for row in read_applied(connection)}
    live = {task.address: _live(task) for task in opened.provider.read_all()}
    return Stores(applied, live, database.setting("state_id"), int(database.setting("serial")))


def read_stores_by_digest(opened: OpenWorkspace) -> Stores:
    """The same with digests alone; a document is fetched when it is looked at.

    For who looks at few of them: ten thousand documents are not held. Raises StateUnusable.
    """
    from reconciler.store.task_bases import untracked_tasks  # noqa: PLC0415  (late)
    from reconciler.store.tasks import applied_digests  # noqa: PLC0415  (late)

    database = opened.database
    with database.read() as connection:
        applied, untracked = applied_digests(connection), frozenset(untracked_tasks(connection))
    live, serial = opened.provider.read_digests(), int(database.setting("serial"))
    found = _by_digest(opened, applied, live, database.setting("state_id"), serial)
    return replace(found, untracked=untracked)


def glance_at_stores(opened: OpenWorkspace) -> Stores | None:
    """The same from one look at a state at rest; None where it has to be opened to know more.

    No apply is at work then, and none was killed.
    """
    from reconciler.store.glance import glance  # noqa: PLC0415  (late)
    from reconciler.store.sqlite_file import sqlite_path  # noqa: PLC0415  (late)

    path = sqlite_path(opened.workspace.state, opened.root)
    seen = glance(path) if path is not None else None
    if seen is None:
        return None
    found = _by_digest(opened, seen.applied, seen.live, seen.state_id, seen.serial)
    return replace(found, untracked=seen.untracked)


def _by_digest(
    opened: OpenWorkspace, applied: dict[str, str], live: dict[str, str], state_id: str, serial: int
) -> Stores:
    def fetch_applied(address: str) -> Stored | None:
        from reconciler.store.tasks import read_applied  # noqa: PLC0415  (late: SQLAlchemy)

        with opened.database.read() as connection:
            return next(map(_applied, read_applied(connection, address)), None)

    def fetch_live(address: str) -> Stored | None:
        found = opened.provider.read(address)
        return None if found is None else _live(found)

    return Stores(
        StoredTasks(applied, fetch_applied), StoredTasks(live, fetch_live), state_id, serial
    )


def live_texts(opened: OpenWorkspace) -> Iterator[tuple[str, str]]:
    """Addresses and documents of the live tasks, one after the other; read when asked for."""
    for task in opened.provider.read_all():
        yield task.address, task.document


def _applied(row: TaskRow) -> Stored:
    return Stored(row.document, row.changed_by, row.changed_at, row.file, row.apply_id)


def _live(task: LiveTask) -> Stored:
    return Stored(task.document, task.changed_by, task.changed_at)


def servers_of(opened: OpenWorkspace) -> dict[str, str]:
    """Login servers by name of registry."""
    return {one.name: one.login_server for one in opened.workspace.registries}


def known_drift(opened: OpenWorkspace) -> list[tuple[str, KnownDrift]]:
    """The workspace's list of known drift, each entry with its place, file:line:column."""
    locate = opened.config.source.locate
    entries = opened.workspace.known_drift
    return [(str(locate(("knownDrift", number))), one) for number, one in enumerate(entries)]
