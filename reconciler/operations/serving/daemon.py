"""The daemon: hooks, timers, base images and a worker over one state, until it is told to stop.

Each part is a thread that can be killed at any moment: what it has promised stands in the state.
Where one breaks off, the daemon is of no use any more: it is to be stopped and started again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from reconciler.adapters.vaults.secrets import SecretReader
from reconciler.base.clock import to_iso
from reconciler.base.errors import StateOutgrown, StateUnusable
from reconciler.base.text import one_line
from reconciler.engine.batch import BatchedIntake
from reconciler.engine.clock_watch import ClockWatch
from reconciler.engine.intake import Arrival, Intake, Taken
from reconciler.engine.polling import Polled
from reconciler.engine.worker import LEASE_SECONDS
from reconciler.model.event import TimerState
from reconciler.operations.running.credentials import open_secrets
from reconciler.operations.running.run_place import place_of
from reconciler.operations.serving.book import Book
from reconciler.operations.serving.doors import Doors
from reconciler.operations.serving.health import Health, Tell, Work
from reconciler.operations.serving.images import ImageWatch
from reconciler.operations.serving.keyring import Keyring, secrets_of
from reconciler.operations.serving.loading import import_all
from reconciler.operations.serving.meters import Meters
from reconciler.operations.serving.polls import Polls
from reconciler.operations.serving.pools import Pools
from reconciler.operations.serving.schema_watch import SchemaWatch
from reconciler.operations.serving.timekeeping import Timekeeping
from reconciler.operations.serving.untracked import Survey
from reconciler.operations.serving.upkeep import Upkeep
from reconciler.operations.serving.working import Working
from reconciler.operations.workspace import OpenWorkspace
from reconciler.store.newest_moment import newest_moment

# How long a daemon that stops waits for its runs; then they go back into the queue.
DRAIN_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Parts:
    """Which parts of the daemon run here."""

    timers: bool = True
    watcher: bool = True
    worker: bool = True
    lease_seconds: float = LEASE_SECONDS
    drain_seconds: float = DRAIN_SECONDS


@dataclass(slots=True)
class Daemon:
    """A running daemon. `tell` is handed an event in a few words, and facts about it.

    `hurry`: once it is to stop, it waits for no run any longer.
    """

    opened: OpenWorkspace
    parts: Parts
    tell: Tell
    stopping: threading.Event
    hurry: threading.Event = field(default_factory=threading.Event)
    _health: Health = field(init=False)
    _upkeep: Upkeep = field(init=False)
    _meters: Meters = field(init=False)
    _images: ImageWatch = field(init=False)
    _survey: Survey = field(init=False)
    _time: Timekeeping = field(init=False)
    _intake: BatchedIntake | None = field(default=None, init=False)
    _keyring: Keyring = field(init=False)
    _doors: Doors = field(init=False)

    def __post_init__(self) -> None:
        self._health = Health(self.tell)
        self._keyring = Keyring(self._open_secrets, self.stopping.is_set)
        self._meters = Meters(self.opened.database, self.opened.clock)
        newest = newest_moment(self.opened.database)
        watch = ClockWatch(self.opened.clock, newest, self._health.of_clock)
        self._time = Timekeeping(
            self.opened,
            self.parts.timers,
            late=self._meters.late,
            queued=lambda count: self.tell("timers", {"queued": str(count)}),
            complain=lambda error: self._health.complain("timers", error),
            well=lambda: self._health.well("timers"),
            watch=watch,
            anew=self._anew,
        )
        self._upkeep = Upkeep(
            self.opened,
            watch,
            kept=lambda: self._book().kept,
            complain=lambda error: self._health.complain("upkeep", error),
            well=lambda: self._health.well("upkeep"),
            purged=lambda purged: self.tell("upkeep", purged.facts()),
            look=Pools(self.opened, lambda: self._book().pools, self.tell).look,
        )
        self._images = ImageWatch(
            self.opened,
            self._book,
            tell=lambda facts: self.tell("images", facts),
            looked=self._meters.looked,
            complain=self._health.complain,
            well=self._health.well,
        )
        self._survey = Survey(
            self.opened,
            self._book,
            tell=lambda facts: self.tell("images", facts),
            complain=lambda error: self._health.complain("survey", error),
            well=lambda: self._health.well("survey"),
        )
        self._doors = Doors(
            self.opened,
            self._book,
            self._keyring,
            self._health,
            self._meters,
            take=self._take,
            hurry=self._images.hurry,
            refuse=self._upkeep.refusals.note,
        )

    # ------------------------------------------------------------ who is outside
    @property
    def doors(self) -> Doors:
        """What it is asked over HTTP."""
        return self._doors

    @property
    def broken(self) -> Mapping[str, str]:
        """Parts that broke off, and why: none, or the daemon is to be stopped."""
        return self._health.broken

    def break_off(self, part: str, error: BaseException | None) -> None:
        """A part that runs elsewhere (who listens) is gone."""
        self._health.break_off(part, error)

    def renew_secrets(self, stopping: Callable[[], bool]) -> None:
        """Read the secrets of all doors again. Where that fails, the former one still counts."""
        wanted = secrets_of(self.opened.workspace.server, self.opened.clock().date())
        unread = list(self._keyring.renew(wanted, stopping))
        for one in unread:
            self.tell("secrets", {"error": one.why} | ({"kept": "former"} if one.kept else {}))
        self.tell("secrets", {"message": f"read again: {len(wanted) - len(unread)}"})
        self._survey.hurry()
        self._images.retry()

    # -------------------------------------------------------------------- life
    @contextmanager
    def running(self) -> Iterator[None]:
        """Everything but the listening, while the block runs. Raises StateUnusable at its start."""
        import_all()
        self._time.read()
        intake = Intake(self.opened.database, self.opened.clock)
        self._intake = BatchedIntake(intake.take_all, self._doors.hasty)
        told = (self.stopping,)
        threads = [
            threading.Thread(target=self._health.watched(name, work), name=name, args=told)
            for name, work in self._work().items()
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stopping.set()
            self._intake.close()
            for thread in threads:
                thread.join()
            self._keyring.forget()

    def _work(self) -> dict[str, Work]:
        """What is done here, by the name of the part."""
        watch = SchemaWatch(self.opened.database, self._outgrown).watch
        found: dict[str, Work] = {"timers": self._time.keep, "upkeep": self._upkeep.keep_up}
        found["state"] = watch
        if self.parts.timers:
            found["polls"] = Polls(
                self.opened, self._book, self._looked, self._unpolled, self._refused
            ).poll
        if self.parts.watcher:
            found |= {"images": self._images.look, "rebuilds": self._images.rebuild}
            found["survey"] = self._survey.look
        if self.parts.worker:
            times = self.parts.lease_seconds, self.parts.drain_seconds
            found["worker"] = Working(
                self.opened, self._meters, self._health, *times, self.hurry
            ).work
        return found

    def _book(self) -> Book:
        return self._time.book

    def _take(self, arrival: Arrival) -> Taken:
        if self._intake is None or self.stopping.is_set():
            raise StateUnusable("the daemon is stopping")
        return self._intake.take(arrival)

    def _open_secrets(self, stopping: Callable[[], bool]) -> SecretReader:
        return open_secrets(place_of(self.opened), stopping)

    def _outgrown(self, error: StateOutgrown) -> None:
        """Nothing is taken and nothing begun any more; what is going goes back into the queue."""
        self._health.give_up("state", error.message)
        self.hurry.set()
        self.stopping.set()

    # --------------------------------------------------------- what parts tell
    def _anew(self, timers: Sequence[TimerState]) -> None:
        furthest = to_iso(max(timer.handled for timer in timers))
        told = f"the clock was ahead: timers that were handled up to {furthest} begin anew"
        self.tell("timers", {"message": told, "timers": str(len(timers))})

    def _looked(self, one: Polled, taken: list[Taken]) -> None:
        self._meters.polled("moved" if taken else "same")
        if not taken:
            return
        runs = [run for item in taken for run in item.runs]
        facts = {"repository": one.repository, "moved": str(len(taken))}
        self.tell("poll", facts | ({"runs": ", ".join(runs)} if runs else {}))

    def _unpolled(self, one: Polled, why: str) -> None:
        self._meters.polled("failed")
        self.tell("poll", {"repository": one.repository, "error": one_line(why)})

    def _refused(self, one: Polled, token: str, why: str) -> None:
        facts = {"repository": one.repository, "token": token, "error": one_line(why)}
        self.tell("poll", facts)
