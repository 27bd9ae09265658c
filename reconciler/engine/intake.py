"""The one door for what wakes tasks: match, never twice, enqueue; all in one transaction.

An event is taken when its transaction is committed, and not before: whoever sent it may send it
again until then, and gets the same answer afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from reconciler.base.clock import Clock
from reconciler.base.errors import ReconcilerError, StateUnusable
from reconciler.engine.triggers import Decision, Listening, decide
from reconciler.engine.waking import new_run_id, run_of
from reconciler.model.event import Decided, Delivery, Push, Source, SourceEvent, Verdict, Wake
from reconciler.model.lease import Waiting
from reconciler.model.run import Reason, RunRecord, TriggerKind
from reconciler.store.database import Database
from reconciler.store.decisions import Register, open_register

_SHOWN = 12  # letters of a commit


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event, the triggers that listen to its repository, and the message that told of it."""

    event: SourceEvent
    everyone: tuple[Listening, ...]
    delivery: Delivery | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What an event came to. `again`: it had come before, and nothing new was queued."""

    decided: tuple[Decided, ...]
    again: bool = False

    @property
    def runs(self) -> tuple[str, ...]:
        """The ids of its runs."""
        found = (item.run_id for item in self.decided if item.verdict.runs and item.run_id)
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes events for a state."""

    database: Database
    clock: Clock
    new_id: Callable[[], str] = new_run_id

    def take(
        self, event: SourceEvent, everyone: Iterable[Listening], delivery: Delivery | None = None
    ) -> Taken:
        """Decide about an event and queue its runs. Raises ReconcilerError: nothing was taken.

        A message that came before is not taken again, unless a run it had was lost: then that one
        is queued anew. Without a `delivery` the event was found by looking.
        """
        (found,) = self.take_all([Arrival(event, tuple(everyone), delivery)])
        if isinstance(found, ReconcilerError):
            raise found
        return found

    def take_all(self, arrivals: Sequence[Arrival]) -> list[Taken | ReconcilerError]:
        """As `take`, for events that came together: one commit is enough for all of them.

        Of each what it came to, or why it was not taken; the others are taken all the same. Raises
        StateUnusable: none was taken.
        """
        found: list[Taken | ReconcilerError] = []
        with open_register(self.database) as register:
            for arrival in arrivals:
                try:
                    with register.apart():
                        found.append(self._take(register, arrival))
                except StateUnusable:
                    raise
                except ReconcilerError as error:
                    found.append(error)
        return found

    def _take(self, register: Register, arrival: Arrival) -> Taken:
        delivery = arrival.delivery
        decided = decide(arrival.event, arrival.everyone)
        again = delivery is not None and not register.add_delivery(delivery)
        if delivery is not None and again:
            before = register.decided_of(delivery.hook, delivery.id)
            lost = _lost(register, before)
            decided = [item for item in decided if (item.address, item.trigger) in lost]
            if not decided:
                return Taken(tuple(before), again=True)
        cases = [_Case(arrival.event, one, delivery, again) for one in decided]
        found = [self._settled(register, case) for case in cases]
        register.note(found)
        return Taken(tuple(found))

    def _settled(self, register: Register, case: _Case) -> Decided:
        """A decision with its run, if it has one."""
        settled = case.decided(self.clock)
        if settled.verdict is not Verdict.QUEUED or settled.version is None:
            return settled
        known = None if case.again else _known(register, settled)
        if known is not None:
            return known
        record = run_of(case.wake(settled.version), self.new_id(), self.clock())
        # One after the other: two builds of a branch at once would race for its tags.
        fold = f"{settled.task}\n{settled.trigger}\n{settled.subject}"
        pool, priority = case.one.pool, record.trigger.priority
        (queued,) = register.enqueue([Waiting(record, pool, priority, series=fold, fold=fold)])
        changes: dict[str, object] = {"run_id": queued.run_id}
        if queued.folded:
            changes["verdict"] = Verdict.COALESCED
            changes["detail"] = f"into {queued.run_id}, which still waits"
        return settled.model_copy(update=changes)


@dataclass(frozen=True, slots=True)
class _Case:
    """An event and one decision about it."""

    event: SourceEvent
    one: Decision
    delivery: Delivery | None
    again: bool

    def decided(self, clock: Clock) -> Decided:
        """The decision as it is stored, without a run."""
        event, delivery = self.event, self.delivery
        return Decided(
            at=clock(),
            source=Source.POLL if delivery is None else Source.HOOK,
            subject=f"{event.repository} {ref_of(event)}",
            version=event.after if isinstance(event, Push) else event.head,
            previous=event.before if isinstance(event, Push) else None,
            task=self.one.address,
            trigger=self.one.trigger,
            verdict=self.one.verdict,
            detail=self.one.detail,
            hook=delivery.hook if delivery else None,
            delivery=delivery.id if delivery else None,
        )

    def wake(self, commit: str) -> Wake:
        """What the trigger wants."""
        event, push = self.event, isinstance(self.event, Push)
        return Wake(
            task=self.one.address,
            trigger=self.one.trigger,
            kind=TriggerKind.COMMIT if push else TriggerKind.PULL_REQUEST,
            repository=event.repository,
            ref=ref_of(event),
            commit=commit,
            fork=not isinstance(event, Push) and event.fork,
            actor=event.sender or "unknown",
        )


def ref_of(event: SourceEvent) -> str:
    """The ref that moved, as Git calls it."""
    return event.ref if isinstance(event, Push) else f"refs/pull/{event.number}/head"


def _known(register: Register, settled: Decided) -> Decided | None:
    """The decision, if the newest run of its ref makes another one needless; else None."""
    if settled.task is None or settled.trigger is None:
        return None
    last = register.last_run(settled.task, settled.trigger, settled.subject)
    if last is None or _is_lost(last[1]):
        return None
    newest, run_id = last[0], last[0].run_id
    if newest.version == settled.version:
        verdict = Verdict.SAME_COMMIT
        detail = f"{str(settled.version)[:_SHOWN]} has run {run_id} already"
    elif newest.previous == settled.version and settled.previous != newest.version:
        # Messages may overtake each other: the older commit must not take the tags back.
        verdict = Verdict.SUPERSEDED
        detail = f"{str(newest.version)[:_SHOWN]} came after it and has run {run_id}"
    else:
        return None
    return settled.model_copy(update={"verdict": verdict, "detail": detail, "run_id": run_id})


def _lost(register: Register, before: Sequence[Decided]) -> set[tuple[str, str]]:
    """(task, trigger) of decisions whose newest run for their subject was lost."""
    found = set()
    for item in before:
        if not item.verdict.runs or item.task is None or item.trigger is None:
            continue
        last = register.last_run(item.task, item.trigger, item.subject)
        if last is not None and last[0].version == item.version and _is_lost(last[1]):
            found.add((item.task, item.trigger))
    return found


def _is_lost(record: RunRecord | None) -> bool:
    return record is None or record.reason is Reason.LOST
