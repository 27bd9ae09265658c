"""The embedded provider: live tasks in the state database, no cloud at all."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.base.clock import Clock
from reconciler.providers.base import Capabilities, LiveTask
from reconciler.store.database import Database, Fence, no_fence
from reconciler.store.tasks import TaskRow, delete_live, live_digests, put_live, read_live


class EmbeddedProvider:
    """Serves the tasks of every registry with `provider: embedded`. Each write is one commit.

    `fence` is asked inside each write, and raises if nothing may be written any more.
    """

    def __init__(
        self,
        database: Database,
        actor: str,
        clock: Clock,
        fence: Fence = no_fence,
    ) -> None:
        self._database, self._actor, self._clock = database, actor, clock
        self._fence = fence

    def capabilities(self) -> Capabilities:
        """It renames, knows who changed what, and asks its fence in each write."""
        return Capabilities(rename=True, tells_who_changed=True, fenced=True)

    def read_all(self) -> Iterator[LiveTask]:
        """Every live task."""
        with self._database.read() as connection:
            for row in read_live(connection):
                yield _live_task(row)

    def read_digests(self) -> dict[str, str]:
        """The digests of all live documents; the documents are let go one by one."""
        with self._database.read() as connection:
            return live_digests(connection)

    def read(self, address: str) -> LiveTask | None:
        """One live task."""
        with self._database.read() as connection:
            return next((_live_task(row) for row in read_live(connection, address)), None)

    def create(self, address: str, document: str) -> None:
        """Make a task."""
        self.update(address, document)

    def update(self, address: str, document: str) -> None:
        """Replace a task's document."""
        with self._database.write(self._fence) as connection:
            put_live(connection, address, document, by=self._actor, at=self._clock())

    def rename(self, previous: str, address: str, document: str) -> None:
        """Move a task, in one commit."""
        with self._database.write(self._fence) as connection:
            delete_live(connection, previous)
            put_live(connection, address, document, by=self._actor, at=self._clock())

    def delete(self, address: str) -> None:
        """Remove a task."""
        with self._database.write(self._fence) as connection:
            delete_live(connection, address)


def _live_task(row: TaskRow) -> LiveTask:
    return LiveTask(row.address, row.document, row.changed_by, row.changed_at)
