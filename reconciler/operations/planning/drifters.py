"""Who drifted a live task, also where our own apply wrote it since: the journal remembers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from reconciler.operations.reading.gather import Stores
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.build import Comparison
from reconciler.plan.change import Change, Drift
from reconciler.plan.drift import left_alone, with_earlier


def tell_drifters(opened: OpenWorkspace, comparison: Comparison, stores: Stores) -> None:
    """Complete the drift of a comparison, and note in each change what drift it leaves alone."""
    if not comparison.drift:
        return
    comparison.drift = [_told(opened, one, stores) for one in comparison.drift]
    by_address = {one.address: one for one in comparison.drift}
    comparison.changes = [*_noted(comparison.changes, by_address)]


def _told(opened: OpenWorkspace, drift: Drift, stores: Stores) -> Drift:
    applied = stores.applied.get(drift.address)
    if applied is None or applied.apply_id is None or drift.kind != "changed":
        return drift
    from reconciler.plan.planlines import read_change  # noqa: PLC0415  (late: drift is rare)
    from reconciler.store.journal import drift_left_by  # noqa: PLC0415  (late: SQLAlchemy)

    with opened.database.read() as connection:
        text = drift_left_by(connection, applied.apply_id, drift.address)
    return drift if text is None else with_earlier(drift, read_change(text).drift_left)


def _noted(changes: Iterable[Change], drift: dict[str, Drift]) -> Iterator[Change]:
    for change in changes:
        mine = drift.get(change.previous_address or change.address)
        left = left_alone(mine) if mine is not None else ()
        yield replace(change, drift_left=left) if left else change
