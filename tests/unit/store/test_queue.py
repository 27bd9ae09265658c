"""The queue: order, leases, fences, and what becomes of runs whose workers are gone."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from reconciler.model.lease import Lease, Settled, Waiting
from reconciler.model.run import Reason, RunRecord, RunStatus, StepRecord, StepStatus
from reconciler.store import claims, leases
from reconciler.store import queue as waiting
from reconciler.store.claims import LARGEST_LOSS, Claimed, Room, cancel_waiting, claim
from reconciler.store.database import Database, open_database
from reconciler.store.leases import PROGRAM_LOSS, WORKER_LOSS, LeaseLost, renew, save, settle
from reconciler.store.moment import Moment
from reconciler.store.queue import depths, enqueue, enqueue_all, move_waiting
from reconciler.store.runs import find_runs, request_cancel

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
ONE = {"linux": Room(1)}
ALL = {"linux": Room(100)}
TTL = 60.0


class World:
    """A state, and the clock of its leases."""

    def __init__(self, database: Database) -> None:
        self.database, self.seconds, self.boot = database, 1000.0, "boot-1"

    def add(self, run_id: str, pool: str = "linux", **other: object) -> str:
        record = RunRecord(id=run_id, actor="hook", status=RunStatus.QUEUED, queued=NOW)
        wanted, task = {"commit": other.pop("commit", "")}, other.pop("task", None)
        record = record.model_copy(update={"wanted": wanted, "task": task})
        with self.database.write() as connection:
            return enqueue(connection, Waiting(record, pool, **other)).run_id  # type: ignore[arg-type]

    def claim(self, worker: str = "a", rooms: dict[str, Room] | None = None) -> list[Claimed]:
        return claim(self.database, worker, rooms or ALL, TTL, lambda: NOW)

    def ids(self, worker: str = "a", rooms: dict[str, Room] | None = None) -> list[str]:
        return [found.lease.run_id for found in self.claim(worker, rooms)]

    def lease(self, worker: str = "a") -> Lease:
        (found,) = self.claim(worker, ONE)
        return found.lease

    def record(self, run_id: str) -> RunRecord:
        (found,) = find_runs(self.database, run_id)
        return found


@pytest.fixture(name="world")
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    opened = open_database("sqlite:///state.db", tmp_path)
    world = World(opened)
    for module in (claims, leases, waiting):
        monkeypatch.setattr(module, "moment", lambda _connection: Moment(world.seconds, world.boot))
    yield world
    opened.close()


def ended(record: RunRecord, status: RunStatus = RunStatus.SUCCEEDED) -> RunRecord:
    return record.model_copy(update={"status": status})


# --------------------------------------------------------------------- order
def test_the_oldest_goes_first_and_priority_before_age(world: World) -> None:
    for run_id, priority in (("r1", 0), ("r2", 0), ("r3", 5), ("r4", -1)):
        world.add(run_id, priority=priority)
    assert world.ids() == ["r3", "r1", "r2", "r4"]
    assert world.ids("b") == []


def test_a_worker_takes_no_more_than_it_has_room_for(world: World) -> None:
    for number in range(5):
        world.add(f"r{number}")
    assert world.ids(rooms={"linux": Room(2)}) == ["r0", "r1"]
    assert world.ids(rooms={"linux": Room(0)}) == []
    assert world.ids(rooms={"linux": Room(-1)}) == []
    assert world.ids("b", {"linux": Room(2)}) == ["r2", "r3"]


@pytest.mark.parametrize("record", ["", "{", "{}", '{"id": 7}'])
def test_a_damaged_record_is_closed_and_holds_nobody_up(world: World, record: str) -> None:
    world.add("r1")
    world.add("r2")
    with world.database.write() as connection:
        connection.exec_driver_sql("UPDATE runs SET record = ? WHERE id = 'r1'", (record,))
    assert world.ids(rooms=ONE) == []
    assert world.ids(rooms=ONE) == ["r2"]
    closed = world.record("r1")
    assert (closed.status, closed.reason) == (RunStatus.FAILED, Reason.LOST)
    assert "damaged" in str(closed.message)


def test_a_cap_counts_the_runs_of_all_workers(world: World) -> None:
    for number in range(5):
        world.add(f"r{number}")
    capped = {"linux": Room(5, cap=3)}
    assert world.ids("a", {"linux": Room(2, cap=3)}) == ["r0", "r1"]
    assert world.ids("b", capped) == ["r2"]
    assert world.ids("c", capped) == []
    world.seconds += TTL
    assert world.ids("c", capped) == ["r0", "r1", "r2"]


def test_pools_do_not_meet(world: World) -> None:
    world.add("r1", "linux")
    world.add("r2", "windows")
    assert world.ids(rooms={"windows": Room(9), "arm": Room(9)}) == ["r2"]
    assert world.ids(rooms={"linux": Room(9), "windows": Room(9)}) == ["r1"]


def test_of_a_crowd_only_some_at_a_time(world: World) -> None:
    for number in range(1, 5):
        world.add(f"r{number}", crowd="event 1", crowd_cap=2)
    world.add("r5", crowd="event 2", crowd_cap=2)
    first = world.claim()
    assert [found.lease.run_id for found in first] == ["r1", "r2", "r5"]
    assert world.ids() == []
    settle(world.database, first[0].lease)
    assert world.ids() == ["r1"]  # given back, and again the oldest
    world.seconds += TTL + 1  # the leases are over: whoever lost them takes no room
    assert world.ids() == ["r1", "r2", "r5"]


def test_of_a_series_one_at_a_time(world: World) -> None:
    world.add("r1", series="t")
    world.add("r2", series="t")
    world.add("r3", series="u")
    (first, other) = world.claim()
    assert (first.lease.run_id, other.lease.run_id) == ("r1", "r3")
    assert world.ids("b") == []
    save(world.database, first.lease, ended(first.record))
    assert world.ids("b") == ["r2"]


def test_what_shall_wait_waits(world: World) -> None:
    world.add("r1", delay=30.0)
    world.add("r2")
    assert world.ids() == ["r2"]
    world.seconds += 29.9
    assert world.ids() == []
    world.seconds += 0.1
    assert world.ids() == ["r1"]


def test_what_waited_while_the_machine_was_off_has_waited_long_enough(world: World) -> None:
    world.add("r1", delay=3000.0)
    world.boot, world.seconds = "boot-2", 5.0
    assert world.ids() == ["r1"]


# ---------------------------------------------------------------------- fold
def test_a_newer_event_folds_into_the_run_that_waits(world: World) -> None:
    assert world.add("r1", fold="web/main", commit="one") == "r1"
    assert world.add("r2", fold="web/main", commit="two") == "r1"
    assert world.add("r3", fold="web/dev") == "r3"
    found = world.claim()
    assert [item.lease.run_id for item in found] == ["r1", "r3"]
    assert found[0].record.id == "r1"
    assert found[0].record.wanted == {"commit": "two"}
    assert find_runs(world.database, "r2") == []


def test_a_run_that_is_given_new_work_waits_where_that_would(world: World) -> None:
    world.add("r1", "gpu", fold="web/main", priority=1, series="old", delay=3600.0)
    assert world.add("r2", "linux", fold="web/main", priority=7, series="new", delay=1.0) == "r1"
    assert world.ids() == []  # no longer than the first, no shorter than it must
    assert world.add("r3", "linux", fold="web/main", priority=7, series="new") == "r1"
    world.add("r4", series="new")
    world.add("r5", series="old")
    assert world.ids() == ["r1", "r5"]


def test_what_is_put_together_waits_as_the_last_of_it_would(world: World) -> None:
    record = RunRecord(id="r1", actor="hook", status=RunStatus.QUEUED, queued=NOW)
    first = Waiting(record, "gpu", fold="web/main", delay=3600.0)
    second = Waiting(record.model_copy(update={"id": "r2"}), "linux", fold="web/main")
    with world.database.write() as connection:
        found = enqueue_all(connection, [first, second])
    assert [(one.run_id, one.folded) for one in found] == [("r1", False), ("r1", True)]
    assert world.ids() == ["r1"]


def test_runs_of_a_task_that_has_another_pool_now_wait_there(world: World) -> None:
    for run_id, task in (("r1", "hub/web"), ("r2", "hub/web"), ("r3", "hub/api"), ("r4", "hub/x")):
        world.add(run_id, "gpu", task=task)
    world.claim("a", {"gpu": Room(1)})  # r1 has begun: it stays
    pools = {"hub/web": "linux", "hub/api": "gpu"}
    assert move_waiting(world.database, pools) == [("hub/web", "gpu", "linux")]
    assert move_waiting(world.database, pools) == []
    assert world.ids() == ["r2"]
    assert world.ids("b", {"gpu": Room(9)}) == ["r3", "r4"]


def test_a_run_that_has_begun_is_not_folded_into(world: World) -> None:
    world.add("r1", fold="web/main", commit="one")
    lease = world.lease()
    assert world.add("r2", fold="web/main", commit="two") == "r2"
    assert world.add("r3", fold="web/main", commit="three") == "r2"
    assert world.record("r1").wanted["commit"] == "one"
    assert lease.run_id == "r1"


def test_a_run_that_somebody_canceled_is_not_folded_into(world: World) -> None:
    world.add("r1", fold="web/main")
    assert request_cancel(world.database, "r1", "dev")
    assert world.add("r2", fold="web/main") == "r2"


def test_nothing_is_queued_if_the_transaction_is_not_committed(world: World) -> None:
    record = RunRecord(id="r1", actor="hook", status=RunStatus.QUEUED, queued=NOW)
    with contextlib.suppress(RuntimeError), world.database.write() as connection:
        enqueue(connection, Waiting(record, "linux"))
        raise RuntimeError
    assert world.ids() == []
    assert find_runs(world.database, "r1") == []


# --------------------------------------------------------------------- lease
def test_a_lease_that_is_over_is_taken_over_with_a_higher_fence(world: World) -> None:
    world.add("r1")
    first = world.lease("a")
    world.seconds += TTL - 0.1
    assert world.ids("b") == []
    world.seconds += 0.1
    second = world.lease("b")
    assert first.fence == 1
    assert (second.fence, second.worker) == (2, "b")


def test_a_lease_of_an_earlier_start_of_the_machine_is_over(world: World) -> None:
    world.add("r1")
    world.lease("a")
    world.boot, world.seconds = "boot-2", 1.0
    assert world.lease("a").fence == 2


def test_a_renewed_lease_is_not_over(world: World) -> None:
    world.add("r1")
    lease = world.lease()
    for _ in range(5):
        world.seconds += TTL * 0.9
        assert renew(world.database, [lease], TTL) == {"r1": None}
    assert world.ids("b") == []


def test_a_late_worker_writes_nothing(world: World) -> None:
    world.add("r1")
    late, record = world.lease("a"), world.record("r1")
    world.seconds += TTL
    now = world.lease("b")
    with pytest.raises(LeaseLost, match="r1 was taken over from a"):
        save(world.database, late, ended(record, RunStatus.FAILED))
    assert world.record("r1").status is RunStatus.QUEUED
    assert renew(world.database, [late], TTL) == {}
    assert settle(world.database, late) is Settled.TAKEN
    save(world.database, now, ended(record))
    assert world.record("r1").status is RunStatus.SUCCEEDED
    with pytest.raises(LeaseLost):
        save(world.database, now, ended(record, RunStatus.FAILED))


def test_the_same_worker_with_an_older_fence_is_late_too(world: World) -> None:
    world.add("r1")
    late = world.lease("a")
    world.seconds += TTL
    assert world.lease("a").fence == 2
    with pytest.raises(LeaseLost):
        save(world.database, late, world.record("r1"))


def test_a_lease_that_nobody_took_may_still_write(world: World) -> None:
    world.add("r1")
    lease = world.lease()
    world.seconds += TTL * 3
    save(world.database, lease, ended(world.record("r1")))
    assert world.ids("b") == []


def test_states_on_the_way_are_stored_and_keep_the_lease(world: World) -> None:
    world.add("r1")
    lease = world.lease()
    going = world.record("r1").model_copy(update={"status": RunStatus.RUNNING, "builder": "x"})
    save(world.database, lease, going)
    assert world.record("r1") == going
    assert renew(world.database, [lease], TTL) == {"r1": None}


def test_a_run_lost_with_too_many_workers_is_closed(world: World) -> None:
    world.add("r1")
    step = StepRecord(name="build", kind="build", status=StepStatus.RUNNING)
    for _ in range(LARGEST_LOSS // WORKER_LOSS):
        lease = world.lease()
        going = world.record("r1").model_copy(
            update={"status": RunStatus.RUNNING, "steps": (step,)}
        )
        save(world.database, lease, going)
        world.seconds += TTL
    assert world.ids() == []
    record = world.record("r1")
    assert (record.status, record.reason) == (RunStatus.FAILED, Reason.LOST)
    assert record.message == "it was lost 30 times: its program or its worker"
    assert [step.status for step in record.steps] == [StepStatus.CANCELED]
    assert depths(world.database) == {}


def test_a_run_that_is_given_back_keeps_its_place_and_its_tries(world: World) -> None:
    world.add("r1")
    world.add("r2")
    for _ in range(LARGEST_LOSS + 2):
        lease = world.lease()
        assert lease.run_id == "r1"
        assert settle(world.database, lease, 0) is Settled.WAITING
    assert world.ids() == ["r1", "r2"]


def test_a_run_that_was_begun_and_lost_is_tried_again_at_once(world: World) -> None:
    world.add("r1")
    for number in range(1, LARGEST_LOSS // PROGRAM_LOSS + 1):
        lease = world.lease()
        assert lease.fence == number
        assert settle(world.database, lease) is Settled.WAITING
    assert world.ids() == []
    assert world.record("r1").reason is Reason.LOST
    assert settle(world.database, lease) is Settled.TAKEN


def test_a_run_that_has_ended_keeps_its_lease_until_it_is_settled(world: World) -> None:
    world.add("r1", series="t")
    world.add("r2", series="t")
    lease = world.lease()
    save(world.database, lease, ended(world.record("r1")))
    assert renew(world.database, [lease], TTL) == {"r1": None}
    with pytest.raises(LeaseLost):
        save(world.database, lease, ended(world.record("r1"), RunStatus.FAILED))
    assert depths(world.database)["linux"].running == 0
    assert world.ids("b") == ["r2"]
    assert settle(world.database, lease) is Settled.ENDED
    assert renew(world.database, [lease], TTL) == {}


def test_one_that_was_never_settled_is_forgotten_and_not_done_again(world: World) -> None:
    world.add("r1")
    lease = world.lease()
    save(world.database, lease, ended(world.record("r1")))
    world.seconds += TTL
    assert world.ids("b") == []
    assert renew(world.database, [lease], TTL) == {}
    assert world.record("r1").status is RunStatus.SUCCEEDED


# -------------------------------------------------------------------- cancel
def test_a_waiting_run_is_canceled_at_once(world: World) -> None:
    world.add("r1")
    assert cancel_waiting(world.database, "r1", "dev", lambda: NOW)
    record = world.record("r1")
    assert (record.status, record.reason) == (RunStatus.CANCELED, Reason.CANCELED)
    assert record.message == "canceled by dev before it started"
    assert world.ids() == []
    assert not cancel_waiting(world.database, "r1", "dev", lambda: NOW)


def test_a_running_one_hears_of_it_when_its_lease_is_renewed(world: World) -> None:
    world.add("r1")
    lease = world.lease()
    assert not cancel_waiting(world.database, "r1", "dev", lambda: NOW)
    assert request_cancel(world.database, "r1", "dev")
    assert renew(world.database, [lease], TTL) == {"r1": "dev"}


def test_a_canceled_run_is_not_taken_over(world: World) -> None:
    world.add("r1")
    world.lease("a")
    request_cancel(world.database, "r1", "dev")
    world.seconds += TTL
    assert world.ids("b") == []
    assert world.record("r1").status is RunStatus.CANCELED


# ---------------------------------------------------------------------- many
def test_depths(world: World) -> None:
    for number in range(3):
        world.add(f"r{number}")
    world.add("w1", "windows")
    world.claim(rooms=ONE)
    found = depths(world.database)
    assert (found["linux"].waiting, found["linux"].running) == (2, 1)
    assert (found["windows"].waiting, found["windows"].running) == (1, 0)
    assert found["windows"].oldest == "2026-11-21T03:00:00Z"


def test_many_workers_at_once_take_each_run_once(world: World) -> None:
    for number in range(60):
        world.add(f"r{number:02}")
    taken: list[str] = []

    def work(name: str) -> None:
        while found := world.ids(name, {"linux": Room(2)}):
            taken.extend(found)

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [f"r{number:02}" for number in range(60)]


def test_what_comes_next_is_found_without_a_look_at_all_that_waits(world: World) -> None:
    for number in range(20):
        world.add(f"r{number}", priority=number % 3, series=f"s{number % 5}")
    world.claim("a", ONE)
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        asked.append((statement, values))

    sa.event.listen(world.database.engine, "before_cursor_execute", note)
    world.claim("b", ONE)
    sa.event.remove(world.database.engine, "before_cursor_execute", note)
    with world.database.read() as connection:
        for statement, values in asked:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            steps = " ".join(row.detail for row in plan)
            assert "SCAN queue" not in steps, statement
            assert "TEMP B-TREE" not in steps, statement
