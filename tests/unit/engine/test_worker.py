"""A worker with a real queue and a real guardian; its runs are small shell programs.

Each program writes into a file when it begins and ends: what is believed is that file.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from reconciler.adapters.processes.guardian import Guardian, Over, boottime
from reconciler.base.errors import NotBegun, StateUnusable
from reconciler.engine.worker import Worker, key_of
from reconciler.model.lease import Lease, Settled, Waiting
from reconciler.model.run import Reason, RunRecord, RunStatus
from reconciler.operations.serving.leases import StoredQueue
from reconciler.store.database import Database, open_database
from reconciler.store.leases import WORKER_LOSS, save
from reconciler.store.queue import enqueue
from reconciler.store.runs import find_runs

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


class Shop:
    """A state, workers, and what their programs wrote."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database: Database = open_database("sqlite:///state.db", folder)
        self.script = "sleep 0.2"
        self.told: list[str] = []
        self.ended: list[str] = []
        self.guardians: list[Guardian] = []

    def add(self, run_id: str, pool: str = "linux") -> None:
        record = RunRecord(id=run_id, actor="hook", status=RunStatus.QUEUED, queued=NOW)
        with self.database.write() as connection:
            enqueue(connection, Waiting(record, pool))

    def worker(self, name: str = "a", slots: int = 2, lease: float = 60.0) -> Worker:
        queue = StoredQueue(
            self.database,
            name,
            lease,
            lambda: NOW,
            ended=lambda record: self.ended.append(f"{name} {record.id}"),
        )

        def told(text: str, of: Lease | None) -> None:
            self.told.append(f"{of.run_id if of else '-'} {text}")

        return Worker(
            name, {"linux": slots}, queue, lambda: Shells(self), boottime, told, lease_seconds=lease
        )

    def events(self) -> list[str]:
        path = self.folder / "events"
        return path.read_text().splitlines() if path.exists() else []

    def record(self, run_id: str) -> RunRecord:
        (found,) = find_runs(self.database, run_id)
        return found

    def close(self) -> None:
        for guardian in self.guardians:
            guardian.close()
        self.database.close()


class Shells:
    """Programs of a shop: its script between two lines in the file of events."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.leases = shop, dict[str, Lease]()
        self.guardian = Guardian(dict(os.environ))
        shop.guardians.append(self.guardian)

    def start(self, lease: Lease, deadline: float) -> None:
        name, file = key_of(lease), self.shop.folder / "events"
        self.leases[name] = lease
        script = f"echo 'begin {name}' >>{file}; {self.shop.script}; echo 'end {name}' >>{file}"
        after = f"echo 'over {name}' >>{file}"
        self.guardian.start(name, ["sh", "-c", script], ["sh", "-c", after], deadline)

    def clear(self, lease: Lease, deadline: float) -> None:
        name = key_of(lease)
        after = f"echo 'cleared {name}' >>{self.shop.folder / 'events'}; exit 1"
        self.guardian.start(name, ["sh", "-c", after], [], deadline)

    def extend(self, key: str, deadline: float) -> None:
        self.guardian.extend(key, deadline)

    def end(self, key: str) -> None:
        self.guardian.end(key)

    def close(self) -> None:
        self.guardian.close()

    def over(self, wait: float) -> Sequence[Over]:
        found = self.guardian.over(wait)
        for ended in found:
            if ended.exit_code == 0:
                lease = self.leases[ended.key]
                record = self.shop.record(lease.run_id)
                done = record.model_copy(update={"status": RunStatus.SUCCEEDED})
                save(self.shop.database, lease, done)
        return found


@pytest.fixture(name="shop")
def opened(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path)
    yield shop
    shop.close()


def work(worker: Worker, until: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "it never came"
        worker.step(0.05)


def all_done(shop: Shop, *runs: str) -> Callable[[], bool]:
    return lambda: all(shop.record(run).status.final for run in runs)


def test_runs_are_done_side_by_side_as_far_as_there_are_slots(shop: Shop) -> None:
    runs = ["r1", "r2", "r3"]
    for run in runs:
        shop.add(run)
    worker = shop.worker(slots=2)
    work(worker, lambda: len(shop.events()) >= 2)
    assert worker.busy == 2
    work(worker, all_done(shop, *runs))
    assert {shop.record(run).status for run in runs} == {RunStatus.SUCCEEDED}
    assert sorted(shop.events()) == sorted(
        f"{word} {run}/1" for run in runs for word in ("begin", "end", "over")
    )
    open_now = most = 0
    for event in shop.events():
        open_now += {"begin": 1, "end": -1}.get(event.split()[0], 0)
        most = max(most, open_now)
    assert most == 2


def test_a_program_that_dies_is_tried_again_and_at_last_given_up(shop: Shop) -> None:
    shop.add("r1")
    shop.script = "exit 9"
    work(shop.worker(), all_done(shop, "r1"))
    assert shop.record("r1").reason is Reason.LOST
    assert shop.events() == [f"{word} r1/{n}" for n in (1, 2, 3) for word in ("begin", "over")]


def test_a_lease_is_renewed_as_long_as_the_work_goes_on(shop: Shop) -> None:
    shop.add("r1")
    shop.script = "sleep 3"
    first, other = shop.worker("a", lease=1.0), shop.worker("b", lease=1.0)
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        first.step(0.05)
        other.step(0.0)
    assert shop.events() == ["begin r1/1"]
    work(first, all_done(shop, "r1"))
    assert shop.record("r1").status is RunStatus.SUCCEEDED


def test_work_of_a_frozen_worker_is_over_before_another_begins_it(shop: Shop) -> None:
    shop.add("r1")
    shop.script = "sleep 600"
    frozen = shop.worker("a", lease=2.0)
    work(frozen, lambda: shop.events() == ["begin r1/1"])
    shop.script = "true"
    work(shop.worker("b", lease=2.0), all_done(shop, "r1"))
    assert shop.events()[:3] == ["begin r1/1", "over r1/1", "begin r1/2"]
    # The frozen one wakes up: it hears that its program was ended, and does nothing more.
    frozen.step(0.5)
    assert frozen.busy == 0
    assert shop.record("r1").status is RunStatus.SUCCEEDED
    assert shop.told[-1] == "r1 taken over by another worker"
    assert shop.ended == ["b r1"]


def test_a_program_that_is_ended_at_its_deadline_is_not_to_blame(shop: Shop) -> None:
    shop.add("r1")
    shop.script = "sleep 600"
    worker = shop.worker(lease=1.0)
    worker.step(0.0)
    worker.step(10.0, claiming=False)  # it comes to no renewal
    assert shop.events() == ["begin r1/1", "over r1/1"]
    with shop.database.read() as connection:
        (losses,) = connection.exec_driver_sql("SELECT losses FROM queue").one()
    assert losses == WORKER_LOSS


@pytest.mark.parametrize("lease", [3.0, 6.0, 60.0])
def test_half_of_every_lease_is_left_to_remove_what_a_frozen_worker_had(
    shop: Shop, lease: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadlines: list[float] = []
    for name in ("start", "extend"):
        original = getattr(Guardian, name)

        def noting(self: Guardian, *words: object, _call: Any = original) -> None:
            deadlines.append(cast("float", words[-1]))
            _call(self, *words)

        monkeypatch.setattr(Guardian, name, noting)
    shop.add("r1")
    shop.script = "sleep 600"
    worker, now = shop.worker(lease=lease), boottime()
    worker.boottime = lambda: now
    worker.step(0.0)
    now += lease / 4
    worker.step(0.0)
    assert deadlines == [now - lease / 4 + lease / 2, now + lease / 2]


def test_a_worker_that_sees_its_run_taken_over_ends_its_work(shop: Shop) -> None:
    shop.add("r1")
    shop.script = "sleep 600"
    slow = shop.worker("a", lease=60.0)
    work(slow, lambda: shop.events() == ["begin r1/1"])
    with shop.database.write() as connection:
        connection.exec_driver_sql("UPDATE queue SET lease_until = 0")
    shop.script = "true"
    work(shop.worker("b"), all_done(shop, "r1"))
    slow._renewed = -1e9  # as if a quarter of its lease had passed
    slow.step(0.0)
    assert (slow.busy, shop.told[-1]) == (0, "r1 taken over by another worker")
    work(slow, lambda: "over r1/1" in shop.events())


def test_a_killed_guardian_is_replaced_and_its_runs_come_back(shop: Shop) -> None:
    shop.add("r1")
    shop.script = "sleep 600"
    worker = shop.worker(lease=600.0)
    work(worker, lambda: shop.events() == ["begin r1/1"])
    os.kill(shop.guardians[0].pid, signal.SIGKILL)
    shop.script = "true"
    work(worker, all_done(shop, "r1"))
    assert shop.record("r1").status is RunStatus.SUCCEEDED
    assert [text for text in shop.told if "guardian" in text] == [
        "- the guardian of this worker was killed; the work of 1 runs begins anew"
    ]
    with shop.database.read() as connection:
        assert connection.exec_driver_sql("SELECT losses FROM queue").all() == []
    # Not before the engine is cleared, and without waiting for the end of the lease.
    assert shop.events()[:3] == ["begin r1/1", "cleared r1/1", "begin r1/2"]


def test_without_its_state_a_worker_goes_on_and_settles_later(shop: Shop) -> None:
    shop.add("r1")
    worker = shop.worker()
    work(worker, lambda: shop.events() == ["begin r1/1"])
    queue = worker.queue
    worker.queue = Away()
    for _ in range(12):
        worker.step(0.1)
    assert (worker.busy, shop.events()[-1]) == (1, "over r1/1")
    worker.queue = queue
    worker.step(0.0)
    assert worker.busy == 0


class Away:
    """A queue whose state cannot be reached."""

    def claim(self, _free: Mapping[str, int]) -> Sequence[Lease]:
        raise StateUnusable("away")

    def renew(self, _leases: Sequence[Lease]) -> Mapping[str, str | None]:
        raise StateUnusable("away")

    def settle(self, *_lease: object, **_blamed: object) -> Settled:
        raise StateUnusable("away")

    def give_back(self, _lease: Lease) -> None:
        raise StateUnusable("away")


def test_a_state_that_is_away_for_long_is_told_of_once_each_time(shop: Shop) -> None:
    worker = shop.worker()
    queue = worker.queue
    for _ in range(2):
        worker.queue = Away()
        worker.step(0.0)
        worker.step(0.0)
        worker.queue = queue
        worker.step(0.0)
    assert shop.told == ["- the state cannot be used: away"] * 2


def test_a_worker_that_drains_takes_nothing_new(shop: Shop) -> None:
    shop.add("r1")
    worker = shop.worker()
    work(worker, lambda: shop.events() == ["begin r1/1"])
    shop.add("r2")
    while worker.busy:
        worker.step(0.1, claiming=False)
    worker.step(0.0, claiming=False)
    assert shop.record("r1").status is RunStatus.SUCCEEDED
    assert shop.record("r2").status is RunStatus.QUEUED


def test_a_run_that_cannot_be_started_is_given_back(shop: Shop) -> None:
    shop.add("r1")
    worker = shop.worker()
    worker.open_programs = lambda: Broken(shop)
    worker.step(0.0)
    assert worker.busy == 0
    worker.open_programs = lambda: Shells(shop)
    work(worker, all_done(shop, "r1"))
    assert shop.events()[0] == "begin r1/2"
    assert shop.record("r1").status is RunStatus.SUCCEEDED


class Broken(Shells):
    """Programs whose guardian dies before the first one."""

    def start(self, lease: Lease, deadline: float) -> None:
        os.kill(self.guardian.pid, signal.SIGKILL)
        time.sleep(0.2)
        super().start(replace(lease), deadline)


def test_a_run_whose_program_cannot_begin_goes_back_without_a_loss(shop: Shop) -> None:
    shop.script = f"exit {NotBegun.exit_code}"
    shop.add("r1")
    worker = shop.worker()
    work(worker, lambda: len(shop.told) == 2)
    assert shop.told[1] == "r1 its program could not open the state; it waits again"
    with shop.database.read() as connection:
        (row,) = connection.exec_driver_sql("SELECT worker, losses FROM queue")
        assert tuple(row) == (None, 0)
    worker.leave()


def test_after_that_nothing_is_begun_for_a_while(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.script = f"exit {NotBegun.exit_code}"
    shop.add("r1")
    worker = shop.worker()
    work(worker, lambda: len(shop.told) == 2)
    shop.script = "true"
    monkeypatch.setattr(worker, "boottime", lambda: 0.0)
    worker.step(0.0)
    assert worker.busy == 0
    monkeypatch.setattr(worker, "boottime", lambda: boottime() + 3600)
    worker.step(0.0)
    assert worker.busy == 1
    work(worker, all_done(shop, "r1"))
    worker.leave()
