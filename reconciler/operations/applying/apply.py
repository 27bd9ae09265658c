"""`apply`: takes a plan, never specs. Locks, checks every object, notes all writes, writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from reconciler.adapters.processes.alive import is_alive
from reconciler.base.canonical import canonical_json
from reconciler.base.errors import Interrupted, Locked, PolicyBlocked
from reconciler.base.ids import new_id
from reconciler.base.text import plural
from reconciler.operations.applying.manner import Manner, Step, Watch
from reconciler.operations.applying.moved import check_all
from reconciler.operations.applying.recover import recover
from reconciler.operations.applying.taken import NOTHING_TAKEN, Taken
from reconciler.operations.applying.writer import Writer
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.change import Change, Plan
from reconciler.plan.guard import refuse_blocked
from reconciler.plan.planfile import check_not_expired
from reconciler.plan.planlines import change_json, kept_part, plan_digest
from reconciler.store import events, journal
from reconciler.store.locks import StateLock, acquire

__all__ = [
    "NOTHING_TAKEN",
    "Applied",
    "Step",
    "Taken",
    "Watch",
    "apply_plan",
    "locked",
    "settle_interrupted",
]


@dataclass(frozen=True, slots=True)
class Applied:
    """How an apply ended. `apply_id` names it in the journal; None if there was nothing to do.

    `earlier` of the writes were done before it was resumed, whose plan was `made` then.
    """

    apply_id: str | None
    written: int
    total: int
    remembered: int
    earlier: int = 0
    made: datetime | None = None


@contextmanager
def locked(opened: OpenWorkspace, purpose: str) -> Iterator[tuple[StateLock, Taken]]:
    """Hold the lock of the state; first finish what a killed apply left open. Raises Locked."""
    token = new_id("l-", 16)
    lock, former = acquire(opened.database, opened.holder(purpose), token, opened.clock, is_alive)
    try:
        yield lock, Taken(former, tuple(recover(opened)))
    finally:
        lock.release()


def settle_interrupted(opened: OpenWorkspace) -> Taken:
    """What a killed apply left open is put right, unless an apply is at work just now."""
    with opened.database.read() as connection:
        if not journal.unfinished(connection):
            return NOTHING_TAKEN
    try:
        with locked(opened, "recovery") as (_, taken):
            return taken
    except Locked:
        return NOTHING_TAKEN


def apply_plan(
    opened: OpenWorkspace, plan: Plan, lock: StateLock, manner: Manner | Watch
) -> Applied:
    """Write exactly what the plan says. The lock must be held.

    Raises PolicyBlocked, Protected, OverLimit, StalePlan (nothing written), PartlyApplied (journal
    says what), Interrupted.
    """
    manner = manner if isinstance(manner, Manner) else Manner(manner)
    if plan.policy.failures:
        raise PolicyBlocked(
            f"the plan has {plural(plan.policy.failures, 'policy failure')}",
            details=[("finding", text) for text in plan.policy.findings[:5]],
            hint="mend the specs or add waivers, then make a new plan",
        )
    refuse_blocked(plan.blocked)
    check_not_expired(plan, opened.clock())
    if not plan.changes:
        return Applied(None, 0, 0, 0)
    apply_id = new_id("a-", 8)
    try:
        if not manner.go_on:
            check_all(plan.changes, opened.provider, opened.clock())
        _note_intentions(opened, plan, apply_id)
    except KeyboardInterrupt:
        raise Interrupted(
            f"interrupted after 0 of {len(plan.writes):,} writes", hint="apply again"
        ) from None
    writer = Writer(opened, lock, apply_id, len(plan.writes), manner)
    writer.run(enumerate(plan.changes, 1))
    return Applied(apply_id, writer.written, writer.total, len(plan.changes) - writer.written)


def _note_intentions(opened: OpenWorkspace, plan: Plan, apply_id: str) -> None:
    now, kept = opened.clock(), kept_part(plan)
    row = journal.ApplyRow(
        apply_id,
        plan.id,
        plan_digest(kept),
        opened.actor,
        opened.holder("apply").host,
        now,
        len(plan.changes),
        plan=canonical_json(kept.model_dump(mode="json", exclude={"changes"})),
    )
    writes = (_intention(apply_id, number, change) for number, change in enumerate(plan.changes, 1))
    with opened.database.write() as connection:
        journal.begin(connection, row)
        journal.intend(connection, writes, now)
        for override in plan.overrides:
            kind = (
                events.LIMIT_OVERRIDDEN
                if override.rule == "limit"
                else events.PROTECTION_OVERRIDDEN
            )
            subject = f"apply {apply_id} of plan {plan.id}: {override}"
            events.note(connection, events.Event(now, kind, override.by, subject, override.reason))


def _intention(apply_id: str, number: int, change: Change) -> journal.WriteRow:
    return journal.WriteRow(
        apply_id,
        number,
        change.address,
        change.previous_address,
        change.action.value,
        journal.INTENDED,
        change.live_hash,
        change.target.digest if change.target is not None else None,
        change_json(change),
    )
