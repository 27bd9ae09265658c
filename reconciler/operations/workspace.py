"""The composition root: an open workspace, and the only place where floors are wired together."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.base.clock import Clock, utc_now
from reconciler.base.errors import ReconcilerError
from reconciler.base.source import Located
from reconciler.loader.files import WorkspaceFiles
from reconciler.loader.workspace import find_root, load_workspace
from reconciler.model.workspace import DEFAULT_STATE, Workspace

if TYPE_CHECKING:  # SQLAlchemy takes 0.15 s to import; `validate` needs no database
    from reconciler.providers.base import Provider
    from reconciler.store.database import Database
    from reconciler.store.locks import Holder, StateLock


class NoWorkspace(ReconcilerError):
    """There is no `reconciler.yaml` here or above."""

    code = "no-workspace"


def unheard(_count: int | None) -> None:
    """Nobody wants to know."""


@dataclass(slots=True)
class OpenWorkspace:
    """A workspace, who works in it, and its state (opened when it is first needed).

    `counts` is told how many specs were read, again and again while they are; None at the end.
    """

    root: Path
    config: Located[Workspace]
    files: WorkspaceFiles
    environment: Mapping[str, str]
    clock: Clock
    actor: str
    counts: Callable[[int | None], None] = unheard
    _database: Database | None = field(default=None, init=False)

    @property
    def workspace(self) -> Workspace:
        """The model of `reconciler.yaml`."""
        return self.config.value

    @property
    def database(self) -> Database:
        """The state database. Raises StateUnusable."""
        if self._database is None:
            from reconciler.store.database import open_database  # noqa: PLC0415  (late, see above)

            self._database = open_database(self.workspace.state, self.root)
        return self._database

    @property
    def opened_database(self) -> Database | None:
        """The state database if something has opened it already."""
        return self._database

    @property
    def provider(self) -> Provider:
        """The provider of live tasks."""
        from reconciler.providers.embedded import EmbeddedProvider  # noqa: PLC0415  (late)

        return EmbeddedProvider(self.database, self.actor, self.clock)

    def guarded_provider(self, lock: StateLock) -> Provider:
        """The provider of whoever holds a lock: it writes nothing once the lock is lost."""
        from reconciler.providers.embedded import EmbeddedProvider  # noqa: PLC0415  (late)

        return EmbeddedProvider(self.database, self.actor, self.clock, lock.fence)

    @property
    def state_folder(self) -> Path:
        """Where logs and caches are kept: beside the SQLite file, else `.reconciler`."""
        path = self.database.path
        return path.parent if path is not None else self.root / ".reconciler"

    def holder(self, purpose: str) -> Holder:
        """This process as the holder of a lock."""
        from reconciler.adapters.processes.alive import this_process  # noqa: PLC0415  (late)
        from reconciler.store.locks import Holder  # noqa: PLC0415  (late)

        own = this_process()
        return Holder(self.actor, own.host, own.pid, own.started, purpose)

    def close(self) -> None:
        """Close the state."""
        if self._database is not None:
            self._database.close()
            self._database = None


def root_of(start: Path) -> Path:
    """The folder of the workspace that `start` is in. Raises NoWorkspace."""
    root = find_root(start)
    if root is None:
        raise NoWorkspace(
            f"there is no reconciler.yaml in {start} or above",
            hint="make a workspace with `reconciler init`, or name one: -C FOLDER",
        )
    return root


def open_workspace(
    start: Path, environment: Mapping[str, str], clock: Clock = utc_now
) -> OpenWorkspace:
    """The workspace that `start` is in. Raises NoWorkspace, InvalidInput."""
    root = root_of(start)
    files = WorkspaceFiles(root)
    return OpenWorkspace(
        root, load_workspace(files), files, environment, clock, actor_of(environment)
    )


def open_without_workspace(
    start: Path, environment: Mapping[str, str], clock: Clock = utc_now
) -> OpenWorkspace:
    """For quick builds outside any workspace: state under `$XDG_STATE_HOME/reconciler`."""
    home = environment.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    state = DEFAULT_STATE.replace(".reconciler/", "")
    config = Workspace.model_validate(
        {"apiVersion": "reconciler/v1", "kind": "Workspace", "state": state}
    )
    root = Path(home) / "reconciler"
    return OpenWorkspace(
        root, _unwritten(config), WorkspaceFiles(start), environment, clock, actor_of(environment)
    )


def _unwritten(config: Workspace) -> Located[Workspace]:
    from reconciler.base.diagnostics import Location  # noqa: PLC0415
    from reconciler.base.source import Source  # noqa: PLC0415

    return Located(config, Source("(defaults)", 1, lambda _: Location("(defaults)")))


_ACTOR_VARIABLES = (
    "RECONCILER_ACTOR",
    "GITHUB_ACTOR",
    "BUILD_REQUESTEDFOREMAIL",
    "GITLAB_USER_EMAIL",
)


def actor_of(environment: Mapping[str, str]) -> str:
    """Who acts: `RECONCILER_ACTOR`, the CI service's user, else user@host."""
    for name in _ACTOR_VARIABLES:
        if environment.get(name):
            return environment[name]
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
