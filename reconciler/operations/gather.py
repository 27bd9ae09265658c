"""READ, once: specs, policies, last applied and live tasks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.base.diagnostics import Diagnostic
from reconciler.base.source import Located
from reconciler.loader.crosscheck import CrossCheck
from reconciler.loader.policies import PolicySet, load_policies
from reconciler.loader.specs import SpecReader
from reconciler.model.task import Task
from reconciler.model.workspace import KnownDrift
from reconciler.operations.workspace import OpenWorkspace

if TYPE_CHECKING:
    from reconciler.plan.build import Stored

__all__ = [
    "Declared",
    "Stores",
    "known_drift",
    "read_declared",
    "read_policies",
    "read_stores",
    "servers_of",
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
        check = CrossCheck(workspace)
        for located in reader.tasks():
            if check.add(located):
                yield located
        self.diagnostics = [*reader.diagnostics, *check.finish()]
        self.specs, self.defaults = reader.spec_count, reader.defaults_count
        self.digest = reader.digest


@dataclass(frozen=True, slots=True)
class Stores:
    """Last applied and live tasks, by address, and the serial of the state."""

    applied: dict[str, Stored]
    live: dict[str, Stored]
    state_id: str
    serial: int


def read_declared(opened: OpenWorkspace) -> Declared:
    """The declared tasks of a workspace."""
    return Declared(opened)


def read_policies(opened: OpenWorkspace) -> PolicySet:
    """The policies and waivers of a workspace."""
    return load_policies(opened.files)


def read_stores(opened: OpenWorkspace) -> Stores:
    """Last applied and live tasks. Raises StateUnusable."""
    from reconciler.plan.build import Stored  # noqa: PLC0415  (late: not needed by validate)
    from reconciler.store.tasks import read_applied  # noqa: PLC0415  (late: SQLAlchemy)

    database = opened.database
    with database.read() as connection:
        applied = {
            row.address: Stored(
                row.document, row.changed_by, row.changed_at, row.file, row.apply_id
            )
            for row in read_applied(connection)
        }
    live = {
        task.address: Stored(task.document, task.changed_by, task.changed_at)
        for task in opened.provider.read_all()
    }
    return Stores(applied, live, database.setting("state_id"), int(database.setting("serial")))


def servers_of(opened: OpenWorkspace) -> dict[str, str]:
    """Login servers by name of registry."""
    return {one.name: one.login_server for one in opened.workspace.registries}


def known_drift(opened: OpenWorkspace) -> list[tuple[str, KnownDrift]]:
    """The workspace's list of known drift, each entry with its place, file:line:column."""
    locate = opened.config.source.locate
    entries = opened.workspace.known_drift
    return [(str(locate(("knownDrift", number))), one) for number, one in enumerate(entries)]
