"""What a workspace asks of the world around it: read from its file and its specs. Asks nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from reconciler.base.diagnostics import Location, Severity
from reconciler.base.source import Located, Path
from reconciler.loader.crosscheck import found_at
from reconciler.model.context import ContextKind, Token
from reconciler.model.demand import Demand
from reconciler.model.identity import RegistryLogin
from reconciler.model.task import Task
from reconciler.model.workspace import Hook, Notifier
from reconciler.operations.reading.demands import Asker, Demands
from reconciler.operations.reading.gather import read_declared
from reconciler.operations.reading.step_demands import (
    file_secrets,
    foreign_builds,
    known_demand,
    steps_before_run,
)
from reconciler.operations.workspace import OpenWorkspace
from reconciler.policy.references import secret_references, tokens
from reconciler.taskfile.tasks import TaskFile

Key = TypeVar("Key")


@dataclass(slots=True)
class Use:
    """How many tasks use a thing, and where the first says so."""

    place: Location
    count: int = 1


@dataclass(slots=True)
class Wanted:
    """All that is asked for, each with its first place.

    `platforms` are those that reconciler.yaml names. `logins` are those that tasks bring for
    registries, by host; `pools` those that tasks name. `foreign` is what build steps ask for of the
    engine of their task's platform, for another platform. `wrong` counts errors in specs: what they
    ask for is not known.
    """

    demands: Demands = field(default_factory=Demands)
    platforms: dict[str, Location] = field(default_factory=dict)
    secrets: dict[str, Use] = field(default_factory=dict)
    tokens: dict[Token, Use] = field(default_factory=dict)
    logins: dict[str, RegistryLogin] = field(default_factory=dict)
    registries: dict[str, Use] = field(default_factory=dict)
    foreign: dict[tuple[str, Demand], Use] = field(default_factory=dict)
    pools: dict[str, Use] = field(default_factory=dict)
    git: Use | None = None
    wrong: int = 0
    specs: int = 0

    def add(
        self, located: Located[Task], servers: Mapping[str, str], steps: TaskFile | None
    ) -> None:
        """A declared task, and its steps as far as they are known before a run."""
        task, locate = located.value, located.source.locate
        asker = Asker(task.address, found_at(located.source), lambda: located)
        self.demands.add(str(known_demand(task, steps)), asker)
        if steps is not None:
            for reference in file_secrets(task, steps):
                _count(self.secrets, reference, located, ("spec", "step"))
            for demand in foreign_builds(task, steps):
                _count(self.foreign, (task.spec.platform, demand), located, ("spec", "step"))
        for path, reference in secret_references(task):
            _count(self.secrets, reference, located, path)
        for path, token in tokens(task):
            _count(self.tokens, token, located, path)
        if task.spec.agent.pool is not None:
            _count(self.pools, task.spec.agent.pool, located, ("spec", "agent", "pool"))
        for host, login in task.spec.credentials.registries.items():
            self.logins.setdefault(host, login)
            _count(self.registries, host, located, ("spec", "credentials", "registries", host))
        server = servers.get(task.metadata.registry)
        if server is not None:
            _count(self.registries, server, located, ("metadata", "registry"))
        if task.spec.context.kind is ContextKind.GIT:
            self.git = self.git or Use(locate(("spec", "context", "source")), 0)
            self.git.count += 1


def _count(
    uses: dict[Key, Use], key: Key, located: Located[Task], path: tuple[str | int, ...]
) -> None:
    use = uses.get(key)
    if use is None:
        uses[key] = Use(located.source.locate(path))
    else:
        use.count += 1


def _add_server(wanted: Wanted, opened: OpenWorkspace) -> None:
    """The secrets of the daemon: of its doors, now or until a day, and of its administrator."""
    locate, today = opened.config.source.locate, opened.clock().date()
    server = opened.workspace.server
    doors: list[tuple[Path, Hook | Notifier]] = []
    doors += ((("server", "hooks", name), hook) for name, hook in server.hooks.items())
    doors += ((("server", "registries", name), one) for name, one in server.registries.items())
    found = [((*at, "secret"), door.secret) for at, door in doors]
    for at, door in doors:
        if door.previous is not None and today <= door.previous.until:
            found.append(((*at, "previous"), door.previous))
    if server.admin is not None:
        found.append((("server", "admin"), server.admin))
    for path, reference in found:
        wanted.secrets.setdefault(reference.reference, Use(locate(path), 0)).count += 1


def wanted_by(opened: OpenWorkspace) -> Wanted:
    """What a workspace declares. Specs that are wrong are counted, and do not stop it."""
    config, wanted = opened.workspace, Wanted()
    locate = opened.config.source.locate
    servers = {one.name: one.login_server for one in config.registries}
    for number, registry in enumerate(config.registries):
        place = locate(("registries", number, "loginServer"))
        wanted.registries[registry.login_server] = Use(place, 0)
    _add_server(wanted, opened)
    wanted.platforms = {name: locate(("platforms", name)) for name in config.platforms}
    declared = read_declared(opened)
    for located in declared.tasks():
        wanted.add(located, servers, steps_before_run(opened, located.value))
    wanted.specs = declared.specs
    wanted.wrong = sum(item.severity is Severity.ERROR for item in declared.diagnostics)
    return wanted
