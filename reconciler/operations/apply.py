"""`apply`: takes a plan, never specs. Locks, checks every object, writes, keeps the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from reconciler.adapters.process import is_alive
from reconciler.base.errors import (
    Interrupted,
    Locked,
    PartlyApplied,
    PolicyBlocked,
    ReconcilerError,
    StalePlan,
)
from reconciler.base.ids import new_id
from reconciler.operations.moved import check_all, check_one
from reconciler.operations.recover import Recovered, recover
from reconciler.operations.workspace import OpenWorkspace
from reconciler.operations.write import remember, write_live
from reconciler.plan.change import Action, Change, Plan
from reconciler.plan.normalise import document_hash
from reconciler.plan.planfile import check_not_expired, plan_digest
from reconciler.providers.base import Provider
from reconciler.store import journal
from reconciler.store.locks import Holder, StateLock, acquire


@dataclass(frozen=True, slots=True)
class Step:
    """One write that is done, for whoever watches: number, total, change, seconds."""

    position: int
    total: int
    change: Change
    seconds: float


@dataclass(frozen=True, slots=True)
class Applied:
    """How an apply ended. `apply_id` names it in the journal; None if there was nothing to do."""

    apply_id: str | None
    written: int
    total: int
    remembered: int


@dataclass(frozen=True, slots=True)
class Taken:
    """The lock is held: from whom it was taken over, and what had to be put right first."""

    former: Holder | None
    recovered: tuple[Recovered, ...]


NOTHING_TAKEN = Taken(None, ())
Watch = Callable[[Step], None]


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


def apply_plan(opened: OpenWorkspace, plan: Plan, lock: StateLock, watch: Watch) -> Applied:
    """Write exactly what the plan says. The lock must be held.

    Raises PolicyBlocked, StalePlan (nothing written), PartlyApplied (journal says what).
    """
    if plan.policy.failures:
        raise PolicyBlocked(
            f"the plan has {plan.policy.failures} policy failures",
            details=[("finding", text) for text in plan.policy.findings[:5]],
            hint="mend the specs or add waivers, then make a new plan",
        )
    check_not_expired(plan, opened.clock())
    if not plan.changes:
        return Applied(None, 0, 0, 0)
    provider = opened.provider
    live = {task.address: task for task in provider.read_all()}
    check_all(plan.changes, live, opened.clock())
    apply_id = new_id("a-", 8)
    _note_intentions(opened, plan, apply_id)
    return _Writer(opened, provider, plan, apply_id, lock, watch, len(plan.writes)).run()


def _note_intentions(opened: OpenWorkspace, plan: Plan, apply_id: str) -> None:
    holder = opened.holder("apply")
    row = journal.ApplyRow(
        apply_id,
        plan.id,
        plan_digest(plan),
        opened.actor,
        holder.host,
        opened.clock(),
        len(plan.changes),
    )
    writes = [_intention(apply_id, number, change) for number, change in enumerate(plan.changes, 1)]
    with opened.database.write() as connection:
        journal.begin(connection, row)
        journal.intend(connection, writes, opened.clock())


def _intention(apply_id: str, number: int, change: Change) -> journal.WriteRow:
    return journal.WriteRow(
        apply_id,
        number,
        change.address,
        change.previous_address,
        change.action.value,
        journal.INTENDED,
        change.live_hash,
        document_hash(change.target) if change.target is not None else None,
        change.model_dump_json(),
    )


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes the changes of one plan in order and settles each in the journal."""

    opened: OpenWorkspace
    provider: Provider
    plan: Plan
    apply_id: str
    lock: StateLock
    watch: Watch
    total: int

    def run(self) -> Applied:
        written = 0
        for position, change in enumerate(self.plan.changes, 1):
            started = self.opened.clock()
            try:
                self._write(position, change)
            except StalePlan as error:
                self._refuse_rest(position, written)
                raise self._told(change, written, error) from None
            except ReconcilerError as error:
                # Whether this write was done is not known: the journal stays open, and the next
                # one who takes the lock finds out from live.
                raise self._told(change, written, error) from error
            except KeyboardInterrupt:
                raise self._interrupted(change, written) from None
            if change.action is not Action.NO_OP:
                written += 1
                seconds = (self.opened.clock() - started).total_seconds()
                self.watch(Step(written, self.total, change, seconds))
        self._finish("done")
        remembered = len(self.plan.changes) - written
        return Applied(self.apply_id, written, self.total, remembered)

    def _write(self, position: int, change: Change) -> None:
        if not self.lock.is_held():
            raise StalePlan("the lock was lost while applying", hint="make a new plan")
        check_one(change, self.provider.read, self.opened.clock())
        write_live(self.provider, change)
        remember(self.opened, self.apply_id, position, change, journal.DONE)

    def _refuse_rest(self, position: int, written: int) -> None:
        with self.opened.database.write() as connection:
            journal.give_up(connection, self.apply_id, position, self.opened.clock())
        self._finish("partial" if written else "refused")

    def _finish(self, outcome: str) -> None:
        with self.opened.database.write() as connection:
            journal.finish(connection, self.apply_id, outcome, self.opened.clock())

    def _told(self, change: Change, written: int, error: ReconcilerError) -> ReconcilerError:
        """The error itself if nothing was written, else that something was."""
        if not written:
            return error
        return PartlyApplied(
            f"applied {written} of {self.total}, then stopped: {error.message}",
            details=[("at", change.address), ("journal", self.apply_id), *error.details],
            hint="what was written is remembered; make a new plan for the rest",
        )

    def _interrupted(self, change: Change, written: int) -> Interrupted:
        return Interrupted(
            f"interrupted after {written} of {self.total} writes",
            details=[("at", change.address), ("journal", self.apply_id)],
            hint="what was written is remembered; make a new plan for the rest",
        )
