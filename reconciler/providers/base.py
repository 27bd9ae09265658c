"""What every provider of live tasks can do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class LiveTask:
    """A live task as the service tells it: its document as JSON, and who changed it last."""

    address: str
    document: str
    changed_by: str | None
    changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do, so that a plan can say so before it is applied.

    `fenced`: each write asks inside its own transaction whether the lock is still held, so that
    nobody has to ask before it.
    """

    rename: bool
    tells_who_changed: bool
    fenced: bool = False


class Provider(Protocol):
    """Live tasks of the registries that a provider serves. Documents are canonical JSON."""

    def capabilities(self) -> Capabilities:
        """What it can do."""

    def read_all(self) -> Iterable[LiveTask]:
        """Every live task, in one read of the service."""

    def read_digests(self) -> dict[str, str]:
        """The digest of every live document (`sha256:` of its text), by address: one read too."""

    def read(self, address: str) -> LiveTask | None:
        """One live task, as it is now."""

    def create(self, address: str, document: str) -> None:
        """Make a task."""

    def update(self, address: str, document: str) -> None:
        """Replace a task's document."""

    def rename(self, previous: str, address: str, document: str) -> None:
        """Move a task to a new address and replace its document, as one write."""

    def delete(self, address: str) -> None:
        """Remove a task. A task that is already gone is no error."""
