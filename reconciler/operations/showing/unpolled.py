"""Repositories that the daemon is to poll and cannot, and whom that concerns. Asks no host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.model.task import Task

if TYPE_CHECKING:  # late: SQLAlchemy
    from reconciler.store.polled_looks import RepositoryLook
    from reconciler.store.task_bases import Transaction


@dataclass(frozen=True, slots=True)
class Unpolled:
    """A repository of a task that is not seen now: of a push to it only a hook can tell.

    `since` is the last look that was answered, None for never; `looked` the last one. With a
    `token` it is seen by the token of another task, and this reference is refused since then.
    Times are UTC.
    """

    repository: str
    why: str
    since: datetime | None
    looked: datetime
    token: str | None = None


@dataclass(frozen=True, slots=True)
class NotPolled:
    """All of them at one moment, by URL."""

    looks: Mapping[str, RepositoryLook]

    def of(self, task: Task, address: str) -> tuple[Unpolled, ...]:
        """Those that a task is polled for."""
        if not self.looks:
            return ()
        from reconciler.engine.polling import polled_by  # noqa: PLC0415  (late: SQLAlchemy)

        found = []
        for one in polled_by(address, task):
            look = self.looks.get(one.url)
            if look is not None:
                found += [_unpolled(look, token or "") for token in one.tokens]
        return tuple(dict.fromkeys(one for one in found if one is not None))


def not_polled(connection: Transaction) -> NotPolled:
    """What is polled and did not answer the last look, or refuses a login."""
    from reconciler.store.polled_looks import troubled_looks  # noqa: PLC0415  (late: SQLAlchemy)

    return NotPolled({look.url: look for look in troubled_looks(connection)})


def _unpolled(look: RepositoryLook, token: str) -> Unpolled | None:
    if look.message is not None:
        since = None if look.seen_at is None else _moment(look.seen_at)
        return Unpolled(look.repository, look.message, since, _moment(look.looked_at))
    refused = look.refused.get(token)
    if refused is None:
        return None
    since, looked = _moment(refused.since), _moment(look.looked_at)
    return Unpolled(look.repository, refused.message, since, looked, token)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
