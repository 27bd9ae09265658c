"""Images that moved become runs, wave by wave: a task waits for what it stands on in its event.

Each step is one transaction of what was decided, what is queued, and how far each task is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from reconciler.base.clock import from_iso
from reconciler.engine.following import Standers, follow, merged
from reconciler.engine.image_decisions import Scribe
from reconciler.engine.settling import Settling
from reconciler.engine.standing import KIND, Book, Standing
from reconciler.engine.waking import new_run_id, run_of, series_of
from reconciler.model.event import Verdict, Wake
from reconciler.model.lease import Waiting
from reconciler.model.rebuild import Digests, Outcome, Progress, Rebuild
from reconciler.model.run import MovedImage
from reconciler.model.tracked import TrackedBase
from reconciler.store.database import Database
from reconciler.store.decisions import Register
from reconciler.store.last_built import last_built
from reconciler.store.rebuilds import (
    begin_event,
    due_event,
    end_events,
    ended_rebuilds,
    last_queued,
    moves_of,
    queue_rebuilds,
    queued_for,
    ready_rebuilds,
)
from reconciler.store.task_bases import Transaction, all_standers

ACTOR = "base-image"
# Tasks in one transaction: others can write in between.
_AT_ONCE = 1000


@dataclass(slots=True)
class Rebuilding:
    """The events of a state. `most` runs of one are done at once. Not for several threads.

    `tell` is handed the tasks that have a run by a step, once that is stored.
    """

    database: Database
    most: int
    new_id: Callable[[], str] = new_run_id
    tell: Callable[[Sequence[Rebuild]], None] = lambda _queued: None

    def step(self, book: Book, now: datetime) -> int:
        """Do what can be done now; how many tasks have a run by it. Raises StateUnusable.

        It stores the tasks of an event that is due, what became of runs that ended, and at most
        1,000 runs: while it says that it did something, it may be called again at once.
        """
        if self._idle(now):
            return 0
        scribe = Scribe(book, now)
        with self.database.write() as connection:
            event = due_event(connection, now.timestamp())
            if event is not None:
                _begin(connection, event, scribe)
        with self.database.write() as connection:
            Settling(connection, scribe).settle_all(_AT_ONCE)
        with self.database.write() as connection:
            queued = self._release(connection, scribe)
            end_events(connection)
        if queued:
            self.tell(queued)
        return len(queued)

    def _idle(self, now: datetime) -> bool:
        with self.database.read() as connection:
            return (
                due_event(connection, now.timestamp()) is None
                and not ready_rebuilds(connection, 1)
                and not ended_rebuilds(connection, 1)
            )

    def _release(self, connection: Transaction, scribe: Scribe) -> list[Rebuild]:
        """Queue the runs of tasks that wait for nothing any more."""
        going, gone, register = list[Rebuild](), list[Rebuild](), Register(connection)
        for item in ready_rebuilds(connection, _AT_ONCE):
            (going if _off(item, scribe.book) is None else gone).append(item)
        waiting = self._waiting(connection, going, scribe)
        found = register.enqueue(waiting)
        queued = [
            replace(item, progress=Progress.QUEUED, run_id=end.run_id)
            for item, end in zip(going, found, strict=True)
        ]
        queue_rebuilds(connection, queued)
        decided = []
        for item, end, run in zip(queued, found, waiting, strict=True):
            verdict, detail = Verdict.QUEUED, ""
            if end.folded:
                verdict, detail = Verdict.COALESCED, f"into {end.run_id}, which still waits"
            elif run.delay:
                detail = f"not before {run.delay:.0f} s are over (minInterval)"
            decided.append(scribe.decide(item, verdict, detail, end.run_id))
        decided += [scribe.decide(one, _off(one, scribe.book) or Verdict.TASK_OFF) for one in gone]
        register.note(decided)
        closed = [replace(item, outcome=Outcome.FAILED) for item in gone]
        Settling(connection, scribe).close(closed)
        return queued

    def _waiting(
        self, connection: Transaction, going: Sequence[Rebuild], scribe: Scribe
    ) -> list[Waiting]:
        """Their runs, on what open runs of theirs were to be built on, too."""
        open_runs = queued_for(connection, [item.address for item in going])
        delays = _delays(connection, going, scribe)
        return [
            self._run(
                item,
                scribe,
                merged(open_runs.get(item.address, {}), item.moved),
                delays.get(item.address, 0.0),
            )
            for item in going
        ]

    def _run(self, item: Rebuild, scribe: Scribe, bases: Digests, delay: float) -> Waiting:
        """One run. Those of a task for its bases follow each other; one may wait."""
        standing = scribe.book[item.address]
        wake = Wake(
            task=item.address,
            kind=KIND,
            trigger=standing.name,
            actor=ACTOR,
            bases={reference: digest for reference, (_, digest) in bases.items()},
        )
        event = tuple(
            MovedImage(image=reference, previous=before, digest=digest)
            for reference, (before, digest) in sorted(bases.items())
        )
        return Waiting(
            run_of(wake, self.new_id(), scribe.now).model_copy(update={"event": event}),
            standing.pool,
            wake.kind.priority,
            series=series_of(item.address),
            fold=f"{item.address}\n{KIND}",
            delay=delay,
            crowd=f"image event {item.event}",
            crowd_cap=self.most,
        )


def _begin(connection: Transaction, event: int, scribe: Scribe) -> None:
    """Store the tasks of an event, and why others are left."""
    moves = {move.reference: move for move in moves_of(connection, event)}
    built = last_built(connection, [move.reference for move in moves.values() if move.unseen])
    standers = read_standers(connection)
    followed = follow(event, list(moves.values()), standers, scribe.book, built)
    begin_event(connection, event, followed.rebuilds)
    decided = []
    for one in followed.left:
        move = moves.get(one.reference)
        moved = {one.reference: move.digests} if move else {}
        item = Rebuild(event, one.address, 0, moved=moved)
        decided.append(scribe.decide(item, one.verdict, one.detail))
    Register(connection).note(decided)


def read_standers(connection: Transaction) -> Standers:
    """Every applied task by the images that it stands on."""
    found: dict[str, list[tuple[str, TrackedBase]]] = {}
    for one in all_standers(connection):
        found.setdefault(one.base.reference, []).append((one.address, one.base))
    return found


def _off(item: Rebuild, book: Book) -> Verdict | None:
    """Why a task that was to be rebuilt is not any more; None if it is."""
    standing: Standing | None = book.get(item.address)
    return Verdict.TRIGGER_OFF if standing is None else standing.off


def _delays(connection: Transaction, items: Sequence[Rebuild], scribe: Scribe) -> dict[str, float]:
    """Seconds that tasks must still wait since their last run for an image."""
    intervals = {item.address: scribe.book[item.address].interval for item in items}
    asked = [address for address, interval in intervals.items() if interval]
    found = {}
    for address, at in last_queued(connection, asked).items():
        left = from_iso(at) + timedelta(seconds=intervals[address]) - scribe.now
        # A clock that was set back makes nobody wait longer than the interval.
        found[address] = min(max(left.total_seconds(), 0.0), intervals[address])
    return found
