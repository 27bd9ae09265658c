"""Events that share a commit come to what they would have come to one after the other."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from reconciler.base.errors import ReconcilerError, StateUnusable
from reconciler.engine.batch import BatchedIntake
from reconciler.engine.intake import Arrival, Intake, Taken
from reconciler.model.event import Delivery, Push
from reconciler.model.run import Reason, RunStatus
from reconciler.store.decisions import list_decisions
from reconciler.store.queue import depths
from tests.unit.engine.test_intake import NOW, ONE, THREE, TWO, Door, pushed


@pytest.fixture(name="door")
def opened(tmp_path: Path) -> Iterator[Door]:
    door = Door(tmp_path)
    yield door
    door.database.close()


def arrival(door: Door, event: Push, message: str | None = None) -> Arrival:
    told = Delivery(hook="github", id=message, event="push", received=NOW) if message else None
    return Arrival(event, tuple(door.everyone), told)


def together(door: Door, *arrivals: Arrival) -> list[list[tuple[str, str | None]]]:
    return [
        []
        if isinstance(taken, ReconcilerError)
        else [(item.verdict.value, item.run_id) for item in taken.decided]
        for taken in door.intake.take_all(arrivals)
    ]


def test_a_burst_of_one_branch_is_one_run_at_its_newest_commit(door: Door) -> None:
    found = together(
        door, *(arrival(door, pushed(after), after[:1]) for after in (ONE, TWO, THREE))
    )
    assert found == [[("queued", "r1")], [("coalesced", "r1")], [("coalesced", "r1")]]
    assert [wake.commit for wake in door.wakes] == [THREE]
    assert depths(door.database)["default"].waiting == 1
    assert [item.version for item in list_decisions(door.database)] == [THREE, TWO, ONE]


def test_a_burst_folds_into_the_run_that_waits_already(door: Door) -> None:
    door.take(pushed(ONE), "d1")
    found = together(door, arrival(door, pushed(TWO), "d2"), arrival(door, pushed(THREE), "d3"))
    assert found == [[("coalesced", "r1")], [("coalesced", "r1")]]
    assert [wake.commit for wake in door.wakes] == [THREE]


def test_each_branch_has_a_run_of_its_own(door: Door) -> None:
    door.everyone = [
        type(one)(one.address, one.name, one.pool, one.trigger, one.repository, "*", True)
        for one in door.everyone
    ]
    branches = [pushed(ONE, ref=f"refs/heads/{name}") for name in ("main", "dev", "main")]
    found = together(door, *(arrival(door, one, f"d{n}") for n, one in enumerate(branches)))
    assert found == [[("queued", "r1")], [("queued", "r2")], [("same-commit", "r1")]]


def test_the_same_message_twice_in_a_burst_is_taken_once(door: Door) -> None:
    one, two = door.intake.take_all([arrival(door, pushed(ONE), "d1")] * 2)
    assert isinstance(one, Taken)
    assert isinstance(two, Taken)
    assert (one.again, two.again, one.runs, two.runs) == (False, True, ("r1",), ("r1",))
    assert len(list_decisions(door.database)) == 1


def test_an_older_commit_that_is_overtaken_in_a_burst_takes_nothing_back(door: Door) -> None:
    newer = arrival(door, pushed(TWO, before=ONE), "d2")
    assert together(door, newer, arrival(door, pushed(ONE), "d1")) == [
        [("queued", "r1")],
        [("superseded", "r1")],
    ]


def test_a_lost_run_is_not_done_again_beside_a_newer_commit_of_its_burst(door: Door) -> None:
    door.take(pushed(ONE), "d1")
    door.end(door.begin(), RunStatus.FAILED, Reason.LOST)
    newer, again = door.intake.take_all(
        [arrival(door, pushed(TWO), "d2"), arrival(door, pushed(ONE), "d1")]
    )
    assert isinstance(newer, Taken)
    assert isinstance(again, Taken)
    assert newer.runs == ("r2",)
    assert again.again
    assert [wake.commit for wake in door.wakes] == [ONE, TWO]


def test_one_that_fails_takes_no_others_with_it(door: Door) -> None:
    ids = iter(("r1", "", "r1", "", "r2"))

    def next_id() -> str:
        if found := next(ids):
            return found
        raise ReconcilerError("no id")

    door.everyone = [
        type(one)(one.address, one.name, one.pool, one.trigger, one.repository, "*", True)
        for one in door.everyone
    ]
    door.intake = Intake(door.database, lambda: NOW, next_id)
    pushes = [pushed(ONE, ref=f"refs/heads/{name}") for name in ("one", "two", "three")]
    found = together(door, *(arrival(door, one, f"d{n}") for n, one in enumerate(pushes)))
    assert found == [[("queued", "r1")], [], [("queued", "r2")]]
    assert {item.delivery for item in list_decisions(door.database)} == {"d0", "d2"}
    door.intake = Intake(door.database, lambda: NOW, lambda: "r3")
    assert not door.take(pushes[1], "d1").again


def test_a_state_that_cannot_be_written_takes_none(door: Door) -> None:
    with door.database.write() as connection:
        connection.exec_driver_sql("DROP TABLE deliveries")
    found = door.intake.take_all([arrival(door, pushed(ONE), f"d{n}") for n in range(3)])
    assert [type(item) for item in found] == [StateUnusable] * 3


def test_each_of_many_senders_hears_what_its_own_event_came_to(door: Door) -> None:
    sizes: list[int] = []

    def take_all(arrivals: Sequence[Arrival]) -> list[Taken | ReconcilerError]:
        sizes.append(len(arrivals))
        return door.intake.take_all(arrivals)

    line, heard = BatchedIntake(take_all), dict[str, Taken]()

    def send(number: int) -> None:
        for turn in range(10):
            name = f"{number}-{turn}"
            event = pushed(f"{number:020x}{turn:020x}")
            heard[name] = line.take(arrival(door, event, name))

    senders = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    line.close()
    assert sum(sizes) == 80
    told = {item.delivery: item.version for item in list_decisions(door.database, limit=100)}
    assert told == {name: taken.decided[0].version for name, taken in heard.items()}
