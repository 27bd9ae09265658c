"""The triggers of all live tasks, read again when an apply has changed some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from reconciler.engine.clockwork import Ticking, ticking
from reconciler.engine.polling import Polled, polled_by, together
from reconciler.engine.standing import Standing
from reconciler.engine.triggers import Listening, listening, pool_of
from reconciler.model.identity import RegistryLogin
from reconciler.model.task import Retention, Task
from reconciler.operations.planning.dockerfiles import BasesReader
from reconciler.operations.planning.standings import standing_of
from reconciler.operations.workspace import OpenWorkspace
from reconciler.store.tasks import live_version


@dataclass(frozen=True, slots=True)
class Book:
    """What listens to each repository, and what ticks. `unread` tasks cannot be understood.

    `kept` is how long things of each task are kept, `pools` where its runs wait; `polled` are
    repositories to ask. `standing` are tasks that mind base images, by address, and `logins` those
    of them for registries.
    """

    version: str
    by_repository: dict[str, tuple[Listening, ...]] = field(default_factory=dict)
    timers: tuple[Ticking, ...] = ()
    unread: tuple[str, ...] = ()
    kept: dict[str, Retention] = field(default_factory=dict)
    polled: tuple[Polled, ...] = ()
    pools: dict[str, str] = field(default_factory=dict)
    standing: dict[str, Standing] = field(default_factory=dict)
    logins: dict[str, RegistryLogin] = field(default_factory=dict)

    def listening_to(self, repository: str) -> Sequence[Listening]:
        """The source triggers for a repository, by its key."""
        return self.by_repository.get(repository, ())


EMPTY = Book(version="")


def read_book(opened: OpenWorkspace, known: Book = EMPTY) -> Book:
    """The book of the live tasks; `known` itself if nothing changed since. Raises StateUnusable."""
    with opened.database.read() as connection:
        version = live_version(connection)
    if version == known.version:
        return known
    sources: dict[str, list[Listening]] = {}
    timers: list[Ticking] = []
    unread: list[str] = []
    kept: dict[str, Retention] = {}
    polled: list[Polled] = []
    pools: dict[str, str] = {}
    minding: dict[str, Standing] = {}
    logins: dict[str, RegistryLogin] = {}
    reader = BasesReader(opened)
    for live in opened.provider.read_all():
        try:
            task = Task.model_validate_json(live.document)
        except ValidationError:
            unread.append(live.address)
            continue
        for one in listening(live.address, task):
            sources.setdefault(one.repository, []).append(one)
        timers += ticking(live.address, task)
        polled += polled_by(live.address, task)
        kept[live.address] = task.spec.retention
        pools[live.address] = pool_of(task)
        if (standing := standing_of(reader, task)) is not None:
            minding[live.address] = standing
            logins |= {**task.spec.credentials.registries, **logins}
    frozen = {key: tuple(found) for key, found in sources.items()}
    return Book(
        version=version,
        by_repository=frozen,
        timers=tuple(timers),
        unread=tuple(unread),
        kept=kept,
        polled=together(polled),
        pools=pools,
        standing=minding,
        logins=logins,
    )
