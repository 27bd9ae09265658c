"""The one door for what wakes tasks: match, never twice, enqueue; all in one transaction.

An event is taken when its transaction is committed, and not before: whoever sent it may send it
again until then, and gets the same answer afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from reconciler.base.clock import Clock
from reconciler.base.errors import ReconcilerError, StateUnusable
from reconciler.engine.newest import WANTED, Newest
from reconciler.engine.triggers import Decision, Listening, decide
from reconciler.engine.waking import new_run_id, run_of, series_of
from reconciler.model.event import Decided, Delivery, Push, Source, SourceEvent, Verdict, Wake
from reconciler.model.lease import Waiting
from reconciler.model.run import TriggerKind
from reconciler.store.database import Database
from reconciler.store.decisions import Register, open_register
from reconciler.store.queue import Joining


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

        Of each what it came to, or why it was not taken; the others are taken all the same.
        """
        return [found for part in _parts(arrivals) for found in self._take_part(part)]

    def _take_part(self, part: Sequence[Arrival]) -> Sequence[Taken | ReconcilerError]:
        try:
            with open_register(self.database) as register:
                return self._take_together(register, part)
        except ReconcilerError as error:
            if len(part) == 1 or isinstance(error, StateUnusable):
                return [error] * len(part)
        # One of them fails: it must not take the others with it.
        return [found for one in part for found in self._take_part([one])]

    def _take_together(self, register: Register, part: Sequence[Arrival]) -> list[Taken]:
        """What events came to, one after the other; it is read and written for all at once."""
        told = [arrival.delivery for arrival in part if arrival.delivery is not None]
        fresh = register.add_deliveries(told)
        newest = Newest(register)
        decided = [decide(arrival.event, arrival.everyone) for arrival in part]
        folds = (
            fold_of(one.address, one.trigger, subject_of(arrival.event))
            for arrival, found in zip(part, decided, strict=True)
            for one in found
            if one.verdict in WANTED
        )
        desk = _Desk(newest, register.joining(folds), self.new_id, self.clock)
        taken = [
            _take(register, desk, arrival, found, _key(arrival.delivery) in fresh)
            for arrival, found in zip(part, decided, strict=True)
        ]
        desk.joining.write()
        register.note(one for item in taken if not item.again for one in item.decided)
        return taken


def _parts(arrivals: Sequence[Arrival]) -> Iterator[list[Arrival]]:
    """The arrivals in their order, cut so that no part has a message twice."""
    part: list[Arrival] = []
    for arrival in arrivals:
        key = _key(arrival.delivery)
        if key is not None and any(_key(other.delivery) == key for other in part):
            yield part
            part = []
        part.append(arrival)
    if part:
        yield part


def _key(delivery: Delivery | None) -> tuple[str, str] | None:
    return None if delivery is None else (delivery.hook, delivery.id)


def _take(
    register: Register, desk: _Desk, arrival: Arrival, decided: list[Decision], fresh: bool
) -> Taken:
    delivery = arrival.delivery
    again = delivery is not None and not fresh
    if delivery is not None and again:
        before = register.decided_of(delivery.hook, delivery.id)
        lost = desk.newest.lost(before)
        decided = [item for item in decided if (item.address, item.trigger) in lost]
        if not decided:
            return Taken(tuple(before), again=True)
    cases = (_Case(arrival.event, one, delivery) for one in decided)
    return Taken(tuple(desk.settle(case) for case in cases))


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where the events of one transaction become runs."""

    newest: Newest
    joining: Joining
    new_id: Callable[[], str]
    clock: Clock

    def settle(self, case: _Case) -> Decided:
        """A decision with its run, if it has one."""
        settled = case.decided(self.clock)
        found = self.newest.judge(settled, created=case.created, polled=case.one.polled)
        self.newest.note(settled)
        if found.build is None:
            return found.decided
        return self._queue(case, found.decided, found.build)

    def _queue(self, case: _Case, settled: Decided, commit: str) -> Decided:
        record = run_of(case.wake(commit), self.new_id(), self.clock())
        # One after the other: two builds of a branch at once would race for its tags.
        series = series_of(case.one.address, ref_of(case.event) if case.one.apart else None)
        fold = fold_of(case.one.address, case.one.trigger, settled.subject)
        pool, priority = case.one.pool, record.trigger.priority
        queued = self.joining.put(Waiting(record, pool, priority, series=series, fold=fold))
        changes: dict[str, object] = {"verdict": Verdict.QUEUED, "run_id": queued.run_id}
        if queued.folded:
            changes["verdict"] = Verdict.COALESCED
            into = f"into {queued.run_id}, which still waits"
            changes["detail"] = f"{into}; {settled.detail}" if commit != settled.version else into
        settled = settled.model_copy(update=changes)
        self.newest.remember(settled, record)
        return settled


@dataclass(frozen=True, slots=True)
class _Case:
    """An event and one decision about it."""

    event: SourceEvent
    one: Decision
    delivery: Delivery | None

    @property
    def created(self) -> bool:
        """True for a ref that is new."""
        return isinstance(self.event, Push) and self.event.created

    def decided(self, clock: Clock) -> Decided:
        """The decision as it is stored, without a run."""
        event, delivery = self.event, self.delivery
        return Decided(
            at=clock(),
            source=Source.POLL if delivery is None else Source.HOOK,
            subject=subject_of(event),
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


def subject_of(event: SourceEvent) -> str:
    """What moved: the repository and its ref."""
    return f"{event.repository} {ref_of(event)}"


def fold_of(address: str, trigger: str, subject: str) -> str:
    """What runs of a trigger for one ref have in common."""
    return f"{address}\n{trigger}\n{subject}"
