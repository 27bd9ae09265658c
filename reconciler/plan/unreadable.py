"""A live task that cannot be read as a task: drift, left alone unless it is healed. Pure.

Somebody else wrote it, or a newer version did. Of what it says nothing is told: a value may be a
secret. It cannot be merged with a spec either: it is overwritten as a whole, or it waits.
"""

from __future__ import annotations

from reconciler.base.canonical import digest_text
from reconciler.plan.change import Action, Change, Document, Drift, Frozen
from reconciler.plan.fields import field_changes
from reconciler.plan.stored import Stored, Three


def unreadable_drift(address: str, live: Stored, *, heal: bool, waits: bool = False) -> Drift:
    """The drift of a live task that cannot be read: who wrote it, and when."""
    return Drift(
        address=address,
        kind="unreadable",
        heal=heal,
        waits=waits,
        changed_by=live.changed_by,
        changed_at=live.changed_at,
    )


def drift_of_unreadable(three: Three, live: Stored) -> Drift:
    """The drift of a declared task of which live cannot be read."""
    waits = not three.heal and three.applied != three.declared
    address = three.previous or three.address
    return unreadable_drift(address, live, heal=three.heal, waits=waits)


def overwritten(three: Three, live: Stored) -> Change | None:
    """The change that writes the spec over it, or None where it is left alone.

    Told are the fields that the spec changed since the last apply.
    """
    if not three.heal:
        return None
    declared, applied = three.declared, three.applied
    told = applied if applied is not None else declared
    return Change(
        address=three.address,
        action=Action.UPDATE if three.previous is None else Action.RENAME,
        previous_address=three.previous,
        adopts=applied is None,
        unreadable=True,
        paths=field_changes(told, declared, located=three.located),
        live_hash=digest_text(live.document),
        base=Frozen.of(applied) if applied is not None else None,
        target=Frozen.of(declared),
    )


def deleted(address: str, applied: Document, live: Stored) -> Change:
    """The change that removes it."""
    return Change(
        address=address,
        action=Action.DELETE,
        unreadable=True,
        live_hash=digest_text(live.document),
        base=Frozen.of(applied),
    )
