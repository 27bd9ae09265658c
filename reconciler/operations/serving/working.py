"""The worker of a daemon, wired to a workspace: clears up after dead runs, then does what waits."""

from __future__ import annotations

import os
import socket
import threading
import time
from dataclasses import dataclass
from secrets import token_hex

from reconciler.adapters.processes.guardian import boottime
from reconciler.base.errors import ReconcilerError, StateUnusable
from reconciler.engine.worker import Worker
from reconciler.model.lease import Lease
from reconciler.model.run import RunRecord
from reconciler.operations.running.run_place import place_of
from reconciler.operations.running.sweep import engine_containers, engines_of, sweep
from reconciler.operations.running.unserved import SERVED_SECONDS
from reconciler.operations.serving.health import Health
from reconciler.operations.serving.leases import RunPrograms, StoredQueue
from reconciler.operations.serving.meters import Meters
from reconciler.operations.serving.pools import serve_pools
from reconciler.operations.workspace import OpenWorkspace

_STEP_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Working:
    """The work of a daemon on the runs of its pools; `health` hears how it goes.

    When it is told to stop, its runs have `drain_seconds`, or until `hurry`; then they go back into
    the queue.
    """

    opened: OpenWorkspace
    meters: Meters
    health: Health
    lease_seconds: float
    drain_seconds: float
    hurry: threading.Event

    def work(self, stopping: threading.Event) -> None:
        """Do what waits, until told to stop; then only what was begun."""
        worker = self._new_worker()
        served = self._serve(0.0)
        self._clear_up()
        try:
            while not stopping.is_set():
                served = self._serve(served)
                worker.step(_STEP_SECONDS)
                if not worker.busy:
                    stopping.wait(_STEP_SECONDS)
            deadline = time.monotonic() + self.drain_seconds
            while worker.busy and not self.hurry.is_set() and time.monotonic() < deadline:
                worker.step(_STEP_SECONDS, claiming=False)
        finally:
            worker.leave()

    def _serve(self, before: float) -> float:
        """Say that somebody is there for the pools, if it is time; when that was last."""
        now = time.monotonic()
        if before and now < before + SERVED_SECONDS:
            return before
        pools = self.opened.workspace.server.pools
        try:
            serve_pools(self.opened, [name for name, pool in pools.items() if pool.slots])
        except StateUnusable as error:
            self.health.complain("worker", error)
            return 0.0  # tried again in the next round
        self.health.well("worker")
        return now

    def _new_worker(self) -> Worker:
        pools = self.opened.workspace.server.pools
        name = f"{socket.gethostname()}-{os.getpid()}-{token_hex(3)}"
        queue = StoredQueue(
            self.opened.database,
            name,
            self.lease_seconds,
            self.opened.clock,
            {name: pool.cap for name, pool in pools.items() if pool.cap is not None},
            began=self.meters.began,
            ended=self._ended,
        )
        return Worker(
            name=name,
            slots={name: pool.slots for name, pool in pools.items()},
            queue=queue,
            open_programs=lambda: RunPrograms(self.opened.environment, str(self.opened.root)),
            boottime=boottime,
            told=self._told,
            lease_seconds=self.lease_seconds,
        )

    def _ended(self, record: RunRecord) -> None:
        self.meters.ended(record)
        facts = {"message": "ended", "run": record.id, "task": record.task or ""}
        facts |= {"status": record.status.value, "reason": record.reason or ""}
        self.health.tell("worker", {name: text for name, text in facts.items() if text})

    def _told(self, text: str, lease: Lease | None) -> None:
        facts = {"message": text}
        if lease is not None:
            facts |= {"run": lease.run_id, "attempt": str(lease.fence)}
        self.health.tell("worker", facts)

    def _clear_up(self) -> None:
        """Remove what ended runs left on the engines while nobody was there."""
        place = place_of(self.opened)
        for address in engines_of(place):
            try:
                swept = sweep(place, engine_containers(place, address))
            except ReconcilerError as error:
                self.health.tell("engine", {"message": f"not swept: {error}"})
                continue
            if swept.runs:
                self.health.tell("engine", {"message": f"cleared up after {', '.join(swept.runs)}"})
