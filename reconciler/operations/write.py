"""One change to a live task, and remembering that it was done. Shared by apply and recovery."""

from __future__ import annotations

from reconciler.base.canonical import canonical_json
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.change import Action, Change
from reconciler.providers.base import Provider
from reconciler.store import journal
from reconciler.store.tasks import TaskRow, forget_applied, remember_applied


def write_live(provider: Provider, change: Change) -> None:
    """Do what a change says, live. A no-op writes nothing."""
    document = canonical_json(change.target)
    if change.action is Action.CREATE:
        provider.create(change.address, document)
    elif change.action is Action.UPDATE:
        provider.update(change.address, document)
    elif change.action is Action.RENAME and change.previous_address is not None:
        provider.rename(change.previous_address, change.address, document)
    elif change.action is Action.DELETE:
        provider.delete(change.address)


def remember(
    opened: OpenWorkspace, apply_id: str, position: int, change: Change, state: str
) -> None:
    """Update last applied and settle the journal, in one commit."""
    now = opened.clock()
    with opened.database.write() as connection:
        if change.previous_address is not None:
            forget_applied(connection, change.previous_address)
        if change.applied is None:
            forget_applied(connection, change.address)
        else:
            cause = change.cause
            row = TaskRow(
                change.address,
                canonical_json(change.applied),
                opened.actor,
                now,
                file=cause.file.removesuffix(" (rendered)") if cause else None,
                commit=cause.commit if cause else None,
                apply_id=apply_id,
            )
            remember_applied(connection, row)
        journal.settle(connection, apply_id, position, state, now=now)
