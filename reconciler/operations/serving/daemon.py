"""The daemon: hooks, timers, base images and a worker over one state, until it is told to stop.

Each part is a thread that can be killed at any moment: what it has promised stands in the state.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from secrets import token_hex

from reconciler.adapters.processes.guardian import boottime
from reconciler.adapters.vaults.secrets import SecretReader
from reconciler.base.errors import ReconcilerError, StateUnusable
from reconciler.base.text import one_line
from reconciler.engine.batch import BatchedIntake
from reconciler.engine.clockwork import Clockwork
from reconciler.engine.intake import Arrival, Intake, Taken
from reconciler.engine.polling import Polled
from reconciler.engine.worker import LEASE_SECONDS, Worker
from reconciler.model.lease import Lease
from reconciler.operations.running.run_place import place_of
from reconciler.operations.running.sweep import engine_containers, sweep
from reconciler.operations.serving.admin import Admin
from reconciler.operations.serving.book import EMPTY, Book, read_book
from reconciler.operations.serving.hooks import Answer, HookDoor, Message
from reconciler.operations.serving.images import ImageWatch
from reconciler.operations.serving.leases import RunPrograms, StoredQueue
from reconciler.operations.serving.meters import Meters
from reconciler.operations.serving.polls import Polls
from reconciler.operations.serving.registries import RegistryDoor
from reconciler.operations.serving.upkeep import Upkeep
from reconciler.operations.workspace import OpenWorkspace

_BOOK_SECONDS = 2.0
_WORKER_SECONDS = 0.2
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


Tell = Callable[[str, dict[str, str]], None]


@dataclass(slots=True)
class Daemon:
    """A running daemon. `tell` is handed an event in a few words, and facts about it."""

    opened: OpenWorkspace
    parts: Parts
    tell: Tell
    stopping: threading.Event
    _book: Book = field(default=EMPTY, init=False)
    _failing: str | None = field(default=None, init=False)
    _upkeep: Upkeep = field(init=False)
    _meters: Meters = field(init=False)
    _images: ImageWatch = field(init=False)
    _intake: BatchedIntake | None = field(default=None, init=False)
    _secrets: SecretReader | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._meters = Meters(self.opened.database, self.opened.clock)
        self._upkeep = Upkeep(
            self.opened,
            kept=lambda: self._book.kept,
            complain=lambda error: self._complain("upkeep", error),
            purged=lambda purged: self.tell("upkeep", purged.facts()),
        )
        self._images = ImageWatch(
            self.opened,
            lambda: self._book,
            tell=lambda facts: self.tell("images", facts),
            complain=lambda error: self._complain("images", error),
        )

    # ------------------------------------------------------------------- doors
    def receive(self, name: str, message: Message) -> Answer:
        """A message to a hook. Raises ReconcilerError: it was not taken."""
        door = HookDoor(
            self.opened.workspace.server.hooks,
            self._read_secret,
            self._take,
            self._upkeep.refusals.note,
            lambda: self._book,
            self.opened.clock,
        )
        answer = door.receive(name, message)
        known = name in self.opened.workspace.server.hooks
        self._meters.delivered(name if known else "", answer.verdict)
        facts = {"hook": name, "verdict": answer.verdict, "message": answer.text}
        self.tell("hook", facts | ({"runs": ", ".join(answer.runs)} if answer.runs else {}))
        return answer

    def notify(self, name: str, message: Message) -> Answer:
        """What a registry tells of its pushes. Raises ReconcilerError: it was not taken."""
        registries = self.opened.workspace.server.registries
        door = RegistryDoor(registries, self._read_secret, self._images.hurry, self.opened.clock)
        answer = door.receive(name, message)
        if answer.verdict != "ignored":
            facts = {"registry": name, "verdict": answer.verdict, "message": answer.text}
            self.tell("registry", facts)
        return answer

    def ready(self) -> tuple[bool, dict[str, str]]:
        """Whether messages can be taken, and why not."""
        checks = {"state": self._failing or "ok", "tasks": "ok" if self._book.version else "unread"}
        return all(value == "ok" for value in checks.values()), checks

    @property
    def admin(self) -> Admin:
        """The administration of the workspace."""
        return Admin(self.opened, self.opened.workspace.server.admin, self._read_secret)

    def metrics(self) -> bytes:
        """The meters. Raises StateUnusable."""
        return self._meters.text()

    def _take(self, arrival: Arrival) -> Taken:
        if self._intake is None or self.stopping.is_set():
            raise StateUnusable("the daemon is stopping")
        return self._intake.take(arrival)

    def _read_secret(self, reference: str) -> str:
        if self._secrets is None:
            raise StateUnusable("the daemon is stopping")
        return self._secrets.read(reference)

    # -------------------------------------------------------------------- life
    @contextmanager
    def running(self) -> Iterator[None]:
        """Everything but the listening, while the block runs. Raises StateUnusable at its start."""
        place = place_of(self.opened)
        self._book = read_book(self.opened)
        intake = Intake(self.opened.database, self.opened.clock)
        self._intake = BatchedIntake(intake.take_all)
        work = [self._watch_book, self._keep_up]
        work += [self._poll] * self.parts.timers + [self._work] * self.parts.worker
        work += [self._look, self._rebuild] * self.parts.watcher
        threads = [threading.Thread(target=one, name=one.__name__.strip("_")) for one in work]
        with SecretReader(
            self.opened.environment, self.opened.root, declared=place.declared
        ) as secrets:
            self._secrets = secrets
            for thread in threads:
                thread.start()
            try:
                yield
            finally:
                self.stopping.set()
                self._intake.close()
                for thread in threads:
                    thread.join()
                self._secrets = None

    # ------------------------------------------------------------------ timers
    def _watch_book(self) -> None:
        """Follow what is live, and wake what is due."""
        clockwork, wound = Clockwork(self.opened.database, late=self._meters.late), ""
        while not self.stopping.is_set():
            try:
                self._book = read_book(self.opened, self._book)
                if self.parts.timers:
                    if wound != self._book.version:
                        clockwork.wind(self._book.timers, self.opened.clock())
                        wound = self._book.version
                    self._tick(clockwork)
                self._failing = None
            except ReconcilerError as error:
                self._complain("timers", error)
            self.stopping.wait(self._pause(clockwork))

    def _tick(self, clockwork: Clockwork) -> None:
        while not self.stopping.is_set():
            now, wake = self.opened.clock(), clockwork.next_wake
            if wake is None or wake > now:
                return
            queued = clockwork.tick(now)
            if queued:
                self.tell("timers", {"queued": str(queued)})

    def _pause(self, clockwork: Clockwork) -> float:
        wake = clockwork.next_wake
        if wake is None:
            return _BOOK_SECONDS
        left = (wake - self.opened.clock()).total_seconds()
        return min(_BOOK_SECONDS, max(left, 0.01))

    # ----------------------------------------------------------------- polling
    def _poll(self) -> None:
        polls = Polls(self.opened, lambda: self._book, self._looked, self._unpolled)
        polls.poll(self.stopping)

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

    # ------------------------------------------------------------------ images
    def _look(self) -> None:
        self._images.look(self.stopping)

    def _rebuild(self) -> None:
        self._images.rebuild(self.stopping)

    # ------------------------------------------------------------------ worker
    def _work(self) -> None:
        worker = self._new_worker()
        self._sweep()
        while not self.stopping.is_set():
            worker.step(_WORKER_SECONDS)
            if not worker.busy:
                self.stopping.wait(_WORKER_SECONDS)
        deadline = time.monotonic() + self.parts.drain_seconds
        while worker.busy and time.monotonic() < deadline:
            worker.step(_WORKER_SECONDS, claiming=False)
        worker.leave()

    def _new_worker(self) -> Worker:
        pools = self.opened.workspace.server.pools
        name = f"{socket.gethostname()}-{os.getpid()}-{token_hex(3)}"
        queue = StoredQueue(
            self.opened.database,
            name,
            self.parts.lease_seconds,
            self.opened.clock,
            {name: pool.cap for name, pool in pools.items() if pool.cap is not None},
            began=self._meters.began,
            ended=self._meters.ended,
        )
        return Worker(
            name=name,
            slots={name: pool.slots for name, pool in pools.items()},
            queue=queue,
            open_programs=lambda: RunPrograms(self.opened.environment, str(self.opened.root)),
            boottime=boottime,
            told=self._told,
            lease_seconds=self.parts.lease_seconds,
        )

    def _told(self, text: str, lease: Lease | None) -> None:
        facts = {"message": text}
        if lease is not None:
            facts |= {"run": lease.run_id, "attempt": str(lease.fence)}
        self.tell("worker", facts)

    def _sweep(self) -> None:
        """Remove what ended runs left on the engines while nobody was there."""
        place = place_of(self.opened)
        for address in dict.fromkeys([None, *(item.engine for item in place.platforms.values())]):
            try:
                swept = sweep(place, engine_containers(place, address))
            except ReconcilerError as error:
                self.tell("engine", {"message": f"not swept: {error}"})
                continue
            if swept.runs:
                self.tell("engine", {"message": f"cleared up after {', '.join(swept.runs)}"})

    def _keep_up(self) -> None:
        self._upkeep.keep_up(self.stopping)

    def _complain(self, part: str, error: ReconcilerError) -> None:
        if self._failing != str(error):
            self.tell(part, {"error": str(error)})
        self._failing = str(error)
