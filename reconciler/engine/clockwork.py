"""The timers of all live tasks: wakes them when they are due, each due time once.

Holds the next wake of every timer in memory and how far it is handled in the state; both are
written together with the runs, so a daemon that is killed between two looks misses nothing.
"""

from __future__ import annotations

import gc
import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.base.clock import to_iso
from reconciler.engine.timer import TOLERANCE, Fires, jitter_of, look
from reconciler.engine.triggers import pool_of
from reconciler.engine.waking import new_run_id, run_of, series_of
from reconciler.model.event import Decided, Source, TimerState, Verdict, Wake
from reconciler.model.lease import Enqueued, Waiting
from reconciler.model.run import TriggerKind
from reconciler.model.task import Task
from reconciler.model.trigger import TimerTrigger
from reconciler.store.database import Database
from reconciler.store.decisions import Register, keep_timers, open_register

ACTOR = "timer"
# A timer is handled no farther in the future than a clock may be set back by hand.
AHEAD = timedelta(hours=25)
# Timers in one transaction: others can write in between.
_AT_ONCE = 2000
# Schedule, missed, max_missed, delay, handled: all that `look` asks of a timer.
_Alike = tuple[str, str, int, timedelta, datetime]


@dataclass(frozen=True, slots=True)
class Ticking:
    """A timer of a live task that is on."""

    address: str
    name: str
    pool: str
    timer: TimerTrigger

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return f"{self.address}\ntimer\n{self.name}"


def ticking(address: str, task: Task) -> list[Ticking]:
    """The timers of a task that fire: it and they are Enabled."""
    if task.spec.status != "Enabled":
        return []
    return [
        Ticking(address, name, pool_of(task), timer)
        for name, timer in task.spec.triggers.timers.items()
        if timer.status == "Enabled"
    ]


@dataclass(slots=True)
class _Hand:
    """A timer in the clockwork: its delay, and how far it is handled."""

    of: Ticking
    delay: timedelta
    handled: datetime


@dataclass(slots=True)
class Clockwork:
    """The timers of a state. Not for several threads at once.

    `late` is told how many seconds after its time each due time was handled, `anew` of timers that
    were handled far in the future, and begin anew.
    """

    database: Database
    new_id: Callable[[], str] = new_run_id
    late: Callable[[float], None] = lambda _seconds: None
    anew: Callable[[Sequence[TimerState]], None] = lambda _timers: None
    _hands: dict[str, _Hand] = field(default_factory=dict, init=False)
    _wakes: list[tuple[datetime, str]] = field(default_factory=list, init=False)

    def wind(self, timers: Iterable[Ticking], now: datetime) -> None:
        """Take these timers in place of those it had. Raises StateUnusable.

        One that is new, or has another schedule, begins now; the others go on where they were,
        also over the time that nobody was there. One that is handled more than 25 hours in the
        future, by a clock that was wrong, begins now too.
        """
        everyone = {one.key: one for one in timers}
        states = keep_timers(self.database, [_state(one, now) for one in everyone.values()])
        states = self._without_future(states, now)
        self._hands = {
            one.key: _Hand(one, jitter_of(one.key, one.timer), state.handled)
            for one, state in zip(everyone.values(), states, strict=True)
        }
        self._wakes = [(now, key) for key in self._hands]
        heapq.heapify(self._wakes)
        _keep_out_of_sweeps()

    def _without_future(self, states: Sequence[TimerState], now: datetime) -> list[TimerState]:
        ahead = [state for state in states if state.handled > now + AHEAD]
        if not ahead:
            return list(states)
        changed = [state.model_copy(update={"handled": now}) for state in ahead]
        with open_register(self.database) as register:
            register.handle_timers(changed)
        self.anew(ahead)
        return [
            state.model_copy(update={"handled": now}) if state.handled > now + AHEAD else state
            for state in states
        ]

    @property
    def next_wake(self) -> datetime | None:
        """When a timer is to be looked at; None if there is none."""
        return self._wakes[0][0] if self._wakes else None

    def tick(self, now: datetime) -> int:
        """Queue the runs that are due; how many that are. Raises StateUnusable: they are due still.

        It looks at no more than 2,000 timers: whoever calls it asks `next_wake` again.
        """
        due: list[tuple[_Hand, Fires]] = []
        taken: list[tuple[datetime, str]] = []
        seen: dict[_Alike, Fires] = {}
        while self._wakes and self._wakes[0][0] <= now and len(taken) < _AT_ONCE:
            taken.append(heapq.heappop(self._wakes))
            hand = self._hands[taken[-1][1]]
            due.append((hand, _look(hand, now, seen)))
        firing = [item for item in due if item[1].handled != item[0].handled]
        try:
            queued = self._fire(firing, now) if firing else 0
        except BaseException:
            for wake in taken:
                heapq.heappush(self._wakes, wake)
            raise
        for hand, fires in due:
            for moment in fires.due:
                self.late((now - moment - hand.delay).total_seconds())
            hand.handled = fires.handled
            if fires.wake is not None:
                heapq.heappush(self._wakes, (fires.wake, hand.of.key))
        return queued

    # ------------------------------------------------------------------ firing
    def _fire(self, firing: list[tuple[_Hand, Fires]], now: datetime) -> int:
        with open_register(self.database) as register:
            cases = [
                _Case(hand.of, moment, now, f"{hand.of.key}\n{to_iso(moment)}", hand.delay)
                for hand, fires in firing
                for moment in fires.due
            ]
            before = register.decided_before([case.once for case in cases])
            cases = [case for case in cases if case.once not in before]
            skipped = self._overlapping(register, cases)
            going = [case for case in cases if case.of.key not in skipped]
            found = register.enqueue([case.waiting(self.new_id()) for case in going])
            register.note(
                [
                    *(case.queued(end) for case, end in zip(going, found, strict=True)),
                    *(case.overlapping() for case in cases if case.of.key in skipped),
                    *(_missed(hand.of, fires, now) for hand, fires in firing if fires.missed),
                ]
            )
            register.handle_timers(
                TimerState(
                    task=hand.of.address,
                    name=hand.of.name,
                    schedule=hand.of.timer.schedule,
                    handled=fires.handled,
                )
                for hand, fires in firing
            )
        return len(going)

    def _overlapping(self, register: Register, cases: list[_Case]) -> set[str]:
        """Timers with `overlap: skip` whose run before is not done."""
        asked = {case.of.key: case.of for case in cases if case.of.timer.overlap == "skip"}
        return {key for key, one in asked.items() if _is_open(register, one)}


@dataclass(frozen=True, slots=True)
class _Case:
    """One due time of one timer; `once` is what happens only one time."""

    of: Ticking
    due: datetime
    now: datetime
    once: str
    delay: timedelta

    def waiting(self, run_id: str) -> Waiting:
        """Its run. It follows the others of its task unless it may overlap.

        Of those on time one waits; those that `run_all` makes up wait one behind the other.
        """
        wake = Wake(
            task=self.of.address,
            kind=TriggerKind.TIMER,
            trigger=self.of.name,
            actor=ACTOR,
            due=self.due,
        )
        record = run_of(wake, run_id, self.now)
        overlap = self.of.timer.overlap
        series = None if overlap == "allow" else series_of(self.of.address)
        made_up = (
            self.of.timer.missed == "run_all" and self.due <= self.now - self.delay - TOLERANCE
        )
        fold = self.of.key if overlap == "queue" and not made_up else None
        return Waiting(record, self.of.pool, record.trigger.priority, series=series, fold=fold)

    def queued(self, end: Enqueued) -> Decided:
        """The decision that it runs."""
        if end.folded:
            return self._decided(
                Verdict.COALESCED, f"into {end.run_id}, which still waits", end.run_id
            )
        return self._decided(Verdict.QUEUED, "", end.run_id)

    def overlapping(self) -> Decided:
        """The decision that it does not."""
        return self._decided(Verdict.OVERLAP, "the run before it is not done")

    def _decided(self, verdict: Verdict, detail: str, run_id: str | None = None) -> Decided:
        return Decided(
            at=self.now,
            source=Source.TIMER,
            subject=self.of.timer.schedule,
            version=to_iso(self.due),
            task=self.of.address,
            trigger=self.of.name,
            verdict=verdict,
            detail=detail,
            run_id=run_id,
            once=self.once,
        )


def _is_open(register: Register, one: Ticking) -> bool:
    """True if the newest run of a timer has not ended: those before it have, one by one."""
    found = register.last_run(one.address, one.name, one.timer.schedule)
    record = found[1] if found is not None else None
    return record is not None and not record.status.final


def _keep_out_of_sweeps() -> None:
    """Tell the collector of cycles that what is there now stays: many timers are much to look at.

    While timers fire it would look at all of them again and again.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _look(hand: _Hand, now: datetime, seen: dict[_Alike, Fires]) -> Fires:
    """As `look`; timers that are alike are looked at once."""
    timer, delay, handled = hand.of.timer, hand.delay, hand.handled
    alike = (timer.schedule, timer.missed, timer.max_missed, delay, handled)
    found = seen.get(alike)
    if found is None:
        found = seen[alike] = look(timer, delay, handled, now)
    return found


def _missed(of: Ticking, fires: Fires, now: datetime) -> Decided:
    """What became of the due times that nobody was there for and that have no run of their own."""
    count = "1,000 or more" if fires.missed >= 1000 else f"{fires.missed}"
    rule = f"missed: {of.timer.missed}"
    return Decided(
        at=now,
        source=Source.TIMER,
        subject=of.timer.schedule,
        version=to_iso(fires.handled),
        task=of.address,
        trigger=of.name,
        verdict=Verdict.MISSED,
        detail=f"{count} due times before this have no run of their own ({rule})",
    )


def _state(one: Ticking, now: datetime) -> TimerState:
    return TimerState(task=one.address, name=one.name, schedule=one.timer.schedule, handled=now)
