"""One change to a live task, and remembering that it was done. Shared by apply and recovery."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.model.tracked import until_read
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.change import Action, Change, Frozen
from reconciler.plan.stored import Stored, document_of, is_readable
from reconciler.providers.base import Provider
from reconciler.store import journal
from reconciler.store.database import Fence, no_fence
from reconciler.store.task_bases import forget_bases, put_bases, read_bases, rename_bases
from reconciler.store.tasks import TaskRow, forget_applied, remember_applied

if TYPE_CHECKING:
    from reconciler.store.task_bases import Transaction


def write_live(provider: Provider, change: Change) -> None:
    """Do what a change says, live. A no-op writes nothing."""
    document = change.target.text if change.target is not None else ""
    if change.action is Action.CREATE:
        provider.create(change.address, document)
    elif change.action is Action.UPDATE:
        provider.update(change.address, document)
    elif change.action is Action.RENAME and change.previous_address is not None:
        provider.rename(change.previous_address, change.address, document)
    elif change.action is Action.DELETE:
        provider.delete(change.address)


def was_done(provider: Provider, change: Change) -> bool:
    """Live tells whether a write whose end is not known was done. A no-op was not."""
    live = provider.read(change.address)
    if change.action is Action.DELETE:
        return live is None
    if live is None or change.target is None or change.action is Action.NO_OP:
        return False
    if change.previous_address is not None and provider.read(change.previous_address) is not None:
        return False
    stored = Stored(live.document)
    if not is_readable(stored):
        return False
    found = document_of(change.address, stored) or {}
    return Frozen.of(found) == change.target


@dataclass(frozen=True, slots=True)
class Entry:
    """A change and its place in the journal."""

    apply_id: str
    position: int
    change: Change


def remember(opened: OpenWorkspace, entry: Entry, state: str, fence: Fence = no_fence) -> None:
    """Update last applied and settle the journal, in one commit that the fence may refuse."""
    change = entry.change
    now = opened.clock()
    with opened.database.write(fence) as connection:
        if change.previous_address is not None:
            forget_applied(connection, change.previous_address)
            rename_bases(connection, change.previous_address, change.address)
        document = change.remembered
        if document is None:
            forget_applied(connection, change.address)
            forget_bases(connection, change.address)
        else:
            cause = change.cause
            row = TaskRow(
                change.address,
                document.text,
                opened.actor,
                now,
                file=change.file,
                commit=cause.commit if cause else None,
                apply_id=entry.apply_id,
            )
            remember_applied(connection, row)
            _track(connection, change, now)
        journal.settle(connection, entry.apply_id, entry.position, state, now=now)


def _track(connection: Transaction, change: Change, now: datetime) -> None:
    """Write what the task stands on from now on, as the plan saw it.

    Where a checkout cannot tell, what is known stays true until the build itself changes; then it
    counts until the daemon has read the files, or a run has.
    """
    bases = change.bases
    if bases is None:
        return
    before = read_bases(connection, change.address)
    known = before is not None and before.bases.unknown is None
    if bases.unknown is not None and known and change.builds_as_before:
        return
    bases = until_read(bases, before.bases if before is not None else None)
    put_bases(connection, change.address, bases, "declared", now)
