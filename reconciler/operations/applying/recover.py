"""After a kill in the middle of an apply: find out from live what was done, and remember it.

A write that was intended and not settled was either done or not; the live document tells which.
Nothing is written live here: what was not done is left to the next plan.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.base.errors import StalePlan
from reconciler.operations.applying.moved import check_all
from reconciler.operations.applying.taken import Recovered
from reconciler.operations.applying.write import Entry, remember, was_done
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.planlines import read_change
from reconciler.store import journal


def recover(opened: OpenWorkspace) -> Iterator[Recovered]:
    """Settle every apply that has no outcome. The lock must be held."""
    with opened.database.read() as connection:
        open_applies = journal.unfinished(connection)
    for row in open_applies:
        yield _recover(opened, row)


def _recover(opened: OpenWorkspace, row: journal.ApplyRow) -> Recovered:
    with opened.database.read() as connection:
        writes = journal.writes_of(connection, row.id)
    left = [write for write in writes if not _settle(opened, write)]
    moved = _has_moved(opened, left)
    with opened.database.write() as connection:
        journal.finish(connection, row.id, "interrupted", opened.clock())
    not_done = tuple(write.address for write in left)
    done = len(writes) - len(not_done)
    return Recovered(row.id, row.actor, done, len(writes), not_done, moved)


def _has_moved(opened: OpenWorkspace, left: list[journal.WriteRow]) -> bool:
    """True if a live task is not what the plan was made from: then a resume would be refused."""
    changes = (read_change(write.change) for write in left)
    try:
        check_all(changes, opened.provider, opened.clock())
    except StalePlan:
        return True
    return False


def _settle(opened: OpenWorkspace, write: journal.WriteRow) -> bool:
    """True if the write was done."""
    if write.state != journal.INTENDED:
        return write.state in {journal.DONE, journal.RECOVERED}
    change = read_change(write.change)
    if was_done(opened.provider, change):
        remember(opened, Entry(write.apply_id, write.position, change), journal.RECOVERED)
        return True
    with opened.database.write() as connection:
        now = opened.clock()
        journal.settle(connection, write.apply_id, write.position, journal.NOT_DONE, now=now)
    return False
