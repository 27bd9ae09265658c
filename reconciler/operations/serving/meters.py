"""What the daemon counts and measures, in the text format of Prometheus. Judges nothing.

No label holds what a stranger may choose: hooks, pools, registries and verdicts are words of ours
or of the workspace.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from reconciler.base.clock import Clock, from_iso
from reconciler.model.run import RunRecord
from reconciler.operations.running.unserved import is_served
from reconciler.store.database import Database
from reconciler.store.images import count_unseen
from reconciler.store.pauses import list_pauses
from reconciler.store.polled_looks import count_failing
from reconciler.store.pools import served_at
from reconciler.store.queue import depths

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)


@dataclass(slots=True)
class Meters:
    """The meters of one daemon. Counts begin with it; the queue is read when it is asked for."""

    database: Database
    clock: Clock
    _registry: CollectorRegistry = field(default_factory=CollectorRegistry, init=False)
    _deliveries: Counter = field(init=False)
    _ended: Counter = field(init=False)
    _polls: Counter = field(init=False)
    _looks: Counter = field(init=False)
    _lag: Histogram = field(init=False)
    _lateness: Histogram = field(init=False)
    _waiting: Gauge = field(init=False)
    _running: Gauge = field(init=False)
    _oldest: Gauge = field(init=False)
    _served: Gauge = field(init=False)
    _paused: Gauge = field(init=False)
    _unseen: Gauge = field(init=False)
    _unpolled: Gauge = field(init=False)

    def __post_init__(self) -> None:
        self._deliveries = self._counter("deliveries", "Messages of hooks.", "hook", "verdict")
        self._ended = self._counter("runs_ended", "Runs this daemon has done.", "status", "reason")
        self._polls = self._counter("polls", "Looks at polled repositories.", "result")
        self._looks = self._counter("image_looks", "Looks at tags of base images.", "result")
        self._lag = Histogram(
            "reconciler_trigger_lag_seconds",
            "From when a run was wanted to its first try.",
            ["trigger"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._lateness = Histogram(
            "reconciler_timer_lateness_seconds",
            "How late timers are handled.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._waiting = self._of_pools("waiting_runs", "Runs that wait.")
        self._running = self._of_pools("running_runs", "Runs that a worker has.")
        self._oldest = self._of_pools("oldest_seconds", "How long the oldest waits.")
        self._served = self._of_pools("served", "1 if a worker was there within a minute.")
        self._paused = Gauge(
            "reconciler_registry_paused_seconds",
            "For how long a registry is left alone from now on.",
            ["registry"],
            registry=self._registry,
        )
        self._unseen = Gauge(
            "reconciler_images_unseen",
            "Tags of base images whose last look failed, or that are not there.",
            registry=self._registry,
        )
        self._unpolled = Gauge(
            "reconciler_repositories_unseen",
            "Polled repositories that did not answer the last look.",
            registry=self._registry,
        )

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"reconciler_{name}", meaning, labels, registry=self._registry)

    def _of_pools(self, name: str, meaning: str) -> Gauge:
        return Gauge(f"reconciler_queue_{name}", meaning, ["pool"], registry=self._registry)

    # ----------------------------------------------------------------- counting
    def delivered(self, hook: str, verdict: str) -> None:
        """A message was answered; `hook` is one of the workspace, or "" for none.

        A registry of it is among them: `registry/NAME`.
        """
        self._deliveries.labels(hook, verdict).inc()

    def began(self, record: RunRecord) -> None:
        """A worker takes a run for the first time."""
        lag = (self.clock() - record.queued).total_seconds()
        self._lag.labels(record.trigger).observe(max(lag, 0.0))

    def ended(self, record: RunRecord) -> None:
        """The work of a run is over."""
        self._ended.labels(record.status.value, record.reason or "").inc()

    def late(self, seconds: float) -> None:
        """A due time was handled so much later."""
        self._lateness.observe(max(seconds, 0.0))

    def polled(self, result: str) -> None:
        """A repository was asked: moved, same or failed."""
        self._polls.labels(result).inc()

    def looked(self, result: str) -> None:
        """A tag of a base image was looked at: a word of engine/watcher."""
        self._looks.labels(result).inc()

    # ------------------------------------------------------------------ telling
    def text(self) -> bytes:
        """Everything, as Prometheus reads it. Raises StateUnusable."""
        found, now = depths(self.database), self.clock()
        with self.database.read() as connection:
            served = served_at(connection)
            pauses = list_pauses(connection)
            self._unseen.set(count_unseen(connection))
            self._unpolled.set(count_failing(connection))
        for gauge in (self._waiting, self._running, self._oldest, self._served, self._paused):
            gauge.clear()
        for pause in pauses:
            left = 0.0 if pause.over(now.timestamp()) else pause.until - now.timestamp()
            self._paused.labels(pause.host).set(left)
        for pool, depth in found.items():
            self._waiting.labels(pool).set(depth.waiting)
            self._running.labels(pool).set(depth.running)
            since = from_iso(depth.oldest) if depth.oldest is not None else now
            self._oldest.labels(pool).set((now - since).total_seconds())
        for pool in {*found, *served}:
            self._served.labels(pool).set(is_served(pool, served, now))
        return generate_latest(self._registry)
