"""`apply --resume`: finish the very plan that was interrupted, from the journal. No new plan.

The lock must be held: whoever takes it has settled which writes were done. The rest is checked
against live as ever, so that what moved meanwhile is refused and named.
"""

from __future__ import annotations

import json

from pydantic import ValidationError

from reconciler.base.clock import to_iso
from reconciler.base.errors import PlanRejected, ReconcilerError, StalePlan
from reconciler.base.text import one_line
from reconciler.operations.applying.apply import Applied
from reconciler.operations.applying.manner import Manner
from reconciler.operations.applying.moved import check_all
from reconciler.operations.applying.writer import Writer
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.change import Action, Change, Plan
from reconciler.plan.planfile import check_not_expired
from reconciler.plan.planlines import plan_digest, read_change
from reconciler.store import events, journal
from reconciler.store.locks import StateLock

_DONE = (journal.DONE, journal.RECOVERED)


def resume(opened: OpenWorkspace, apply_id: str, lock: StateLock, manner: Manner) -> Applied:
    """Do what is left of the last apply; `apply_id` may be empty. Nothing left: nothing is done.

    Raises ReconcilerError (there is no such apply), StalePlan (a later one was made, the plan
    expired, a task moved), PlanRejected (the journal does not hold the plan), PartlyApplied,
    Interrupted.
    """
    row = _last(opened, apply_id)
    with opened.database.read() as connection:
        writes = journal.writes_of(connection, row.id)
    plan = _plan(row, writes)
    changes = list(enumerate(plan.changes, 1))
    open_ones = [change for change in changes if writes[change[0] - 1].state not in _DONE]
    earlier = len(plan.writes) - sum(_writes(change) for _, change in open_ones)
    if not open_ones:
        _mark_done(opened, row)
        return Applied(row.id, 0, len(plan.writes), 0, earlier)
    check_not_expired(plan, opened.clock())
    writer = Writer(opened, lock, row.id, len(plan.writes), manner, written=earlier)
    with writer.tell_interruption():
        if not manner.go_on:
            check_all((change for _, change in open_ones), opened.provider, opened.clock())
        _reopen(opened, row, len(open_ones))
    writer.run(open_ones)
    done = writer.written - earlier
    remembered = len(open_ones) - done
    return Applied(row.id, done, writer.total, remembered, earlier, plan.created)


def _last(opened: OpenWorkspace, apply_id: str) -> journal.ApplyRow:
    with opened.database.read() as connection:
        last = journal.latest(connection)
        wanted = journal.find(connection, apply_id) if apply_id else last
    if wanted is None or last is None:
        what = f"there is no apply {one_line(apply_id, 40)}" if apply_id else "there is no apply"
        raise ReconcilerError(what, hint="the journal's name is in what the apply printed")
    if wanted.id != last.id:
        raise StalePlan(
            f"apply {wanted.id} cannot be resumed: a later one was made",
            details=[("later", f"{last.id} by {last.actor}, {to_iso(last.started)}")],
            hint="make a new plan",
        )
    return wanted


def _plan(row: journal.ApplyRow, writes: list[journal.WriteRow]) -> Plan:
    """The plan of an apply, put together again, and checked by its digest."""
    if row.plan is None:
        raise PlanRejected(
            f"apply {row.id} was made by an earlier version, which kept no plan",
            hint="make a new plan",
        )
    try:
        changes = [read_change(write.change) for write in writes]
        plan = Plan.model_validate({**json.loads(row.plan), "changes": changes})
    except (ValidationError, ValueError, RecursionError):
        plan = None
    if plan is None or plan_digest(plan) != row.plan_digest:
        raise PlanRejected(
            f"the journal of apply {row.id} is not what was noted", hint="make a new plan"
        )
    return plan


def _writes(change: Change) -> bool:
    return change.action is not Action.NO_OP


def _reopen(opened: OpenWorkspace, row: journal.ApplyRow, left: int) -> None:
    subject = f"apply {row.id} of {row.actor}: {left} of {row.total} changes left"
    event = events.Event(
        opened.clock(), events.APPLY_RESUMED, opened.actor, subject, row.outcome or "open"
    )
    with opened.database.write() as connection:
        journal.reopen(connection, row.id)
        events.note(connection, event)


def _mark_done(opened: OpenWorkspace, row: journal.ApplyRow) -> None:
    if row.outcome != "done":
        with opened.database.write() as connection:
            journal.finish(connection, row.id, "done", opened.clock())
