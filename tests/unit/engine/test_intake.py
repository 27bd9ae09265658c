from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.base.errors import ReconcilerError
from reconciler.engine.intake import Intake, Taken
from reconciler.engine.triggers import Listening, listening
from reconciler.engine.waking import run_of, series_of, wake_of
from reconciler.model.event import Delivery, Push, Verdict, Wake
from reconciler.model.lease import Waiting
from reconciler.model.run import Reason, RunStatus
from reconciler.store.claims import Room, claim
from reconciler.store.database import Database, open_database
from reconciler.store.decisions import list_decisions
from reconciler.store.queue import depths, enqueue
from reconciler.store.retention import purge_decisions
from reconciler.store.runs import list_runs, update_run
from tests.unit.engine.test_triggers import push, request, task

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
ONE, TWO, THREE = "1" * 40, "2" * 40, "3" * 40


class Door:
    """An intake over a state, with tasks that listen."""

    def __init__(self, folder: Path) -> None:
        self.database: Database = open_database("sqlite:///state.db", folder)
        self.ids = (f"r{number}" for number in itertools.count(1))
        self.intake = Intake(self.database, lambda: NOW, lambda: next(self.ids))
        self.everyone: list[Listening] = list(listening("contoso/web", task(commit={})))

    def take(self, event: Any, delivery: str | None = None) -> Taken:
        hook = "github"
        message = (
            None
            if delivery is None
            else Delivery(hook=hook, id=delivery, event="push", received=NOW)
        )
        return self.intake.take(event, self.everyone, message)

    def verdicts(self, event: Any, delivery: str | None = None) -> list[tuple[str, str | None]]:
        return [(item.verdict.value, item.run_id) for item in self.take(event, delivery).decided]

    @property
    def wakes(self) -> list[Wake]:
        """What woke the runs, oldest first."""
        found = sorted(list_runs(self.database, limit=1000), key=lambda record: record.id)
        return [wake for record in found if (wake := wake_of(record.wanted))]

    def begin(self) -> str:
        (found,) = claim(self.database, "a", {"default": Room(1)}, 60, lambda: NOW)
        return found.lease.run_id

    def end(self, run_id: str, status: RunStatus, reason: Reason | None = None) -> None:
        (record,) = [record for record in list_runs(self.database) if record.id == run_id]
        ended = record.model_copy(update={"status": status, "reason": reason})
        assert update_run(self.database, ended)
        with self.database.write() as connection:
            connection.exec_driver_sql("DELETE FROM queue WHERE run_id = ?", (run_id,))


@pytest.fixture(name="door")
def opened(tmp_path: Path) -> Iterator[Door]:
    door = Door(tmp_path)
    yield door
    door.database.close()


def pushed(after: str, before: str = "0" * 39 + "1", **other: Any) -> Push:
    return push(after=after, before=before, **other)


def test_a_push_is_queued_with_its_commit_and_its_sender(door: Door) -> None:
    assert door.verdicts(pushed(ONE, sender="dev"), "d1") == [("queued", "r1")]
    assert door.wakes == [
        Wake(
            task="contoso/web",
            kind="commit",
            trigger="commit",
            actor="dev",
            repository="github.com/contoso/web",
            ref="refs/heads/main",
            commit=ONE,
        )
    ]
    (stored,) = list_decisions(door.database, task="contoso/web")
    assert (stored.subject, stored.version) == ("github.com/contoso/web refs/heads/main", ONE)
    assert (stored.hook, stored.delivery, stored.source.value) == ("github", "d1", "hook")


def test_a_pull_request_is_told_from_a_push(door: Door) -> None:
    door.everyone = list(listening("contoso/web", task(pullRequest={"forks": "allow"})))
    assert door.verdicts(request(fork=True)) == [("queued", "r1")]
    assert door.wakes[0].ref == "refs/pull/7/head"
    assert (door.wakes[0].kind, door.wakes[0].fork) == ("pullRequest", True)


def test_what_pushes_the_same_tags_is_done_one_after_the_other(door: Door) -> None:
    """A base image, a timer and a person have the branch built that commits are pushed to."""
    branches = {"branch": "*"}
    door.everyone = list(listening("contoso/web", task(commit=branches, pullRequest={})))
    door.take(pushed(ONE))
    wake = Wake(task="contoso/web", kind="baseImage", trigger="baseImage", actor="x")
    waiting = Waiting(run_of(wake, "base", NOW), "default", series=series_of("contoso/web"))
    with door.database.write() as connection:
        enqueue(connection, waiting)
    door.take(pushed(TWO, ref="refs/heads/release/1"))
    door.take(request(number=7))
    door.take(request(number=8))
    room = {"default": Room(10)}
    begun = [one.lease.run_id for one in claim(door.database, "a", room, 60, lambda: NOW)]
    assert begun == ["r1", "r2", "r3", "r4"]
    door.end("r1", RunStatus.SUCCEEDED)
    assert door.begin() == "base"


def test_the_same_message_is_taken_once(door: Door) -> None:
    first = door.take(pushed(ONE), "d1")
    second = door.take(pushed(ONE), "d1")
    assert (first.again, second.again) == (False, True)
    assert first.runs == second.runs == ("r1",)
    assert first.decided == second.decided
    assert len(door.wakes) == 1


def test_another_message_about_the_same_commit_has_the_same_run(door: Door) -> None:
    door.take(pushed(ONE), "d1")
    assert door.verdicts(pushed(ONE), "d2") == [("same-commit", "r1")]
    door.begin()
    assert door.verdicts(pushed(ONE), "d3") == [("same-commit", "r1")]
    door.end("r1", RunStatus.FAILED, Reason.STEP)
    assert door.verdicts(pushed(ONE), "d4") == [("same-commit", "r1")]


def test_a_lost_run_is_queued_anew_by_either_message(door: Door) -> None:
    door.take(pushed(ONE), "d1")
    door.begin()
    door.end("r1", RunStatus.FAILED, Reason.LOST)
    assert door.verdicts(pushed(ONE), "d1") == [("queued", "r2")]
    assert door.take(pushed(ONE), "d1").again
    door.begin()
    door.end("r2", RunStatus.FAILED, Reason.LOST)
    assert door.verdicts(pushed(ONE), "d2") == [("queued", "r3")]


def test_a_lost_run_of_an_older_commit_stays_lost(door: Door) -> None:
    door.take(pushed(ONE), "d1")
    door.begin()
    door.end("r1", RunStatus.FAILED, Reason.LOST)
    door.take(pushed(TWO, before=ONE), "d2")
    assert door.take(pushed(ONE), "d1").again
    assert len(door.wakes) == 2


def test_a_branch_that_goes_back_is_built_again(door: Door) -> None:
    for number, (before, commit) in enumerate(((THREE, ONE), (ONE, TWO), (TWO, ONE))):
        assert door.verdicts(pushed(commit, before=before), f"d{number}")[0][0] == "queued"
        door.end(door.begin(), RunStatus.SUCCEEDED)


def test_an_older_commit_that_comes_late_takes_nothing_back(door: Door) -> None:
    door.take(pushed(TWO, before=ONE), "d2")
    assert door.verdicts(pushed(ONE), "d1") == [("superseded", "r1")]
    door.begin()
    assert door.verdicts(pushed(ONE), "d3") == [("superseded", "r1")]


def test_a_burst_is_one_run_at_the_newest_commit(door: Door) -> None:
    door.take(pushed(THREE), "d0")
    assert door.begin() == "r1"
    commits = [f"{number:040x}" for number in range(100, 200)]
    found = [door.verdicts(pushed(commit, before=THREE), commit) for commit in commits]
    assert found[0] == [("queued", "r2")]
    assert set(map(tuple, found[1:])) == {(("coalesced", "r2"),)}
    (waiting,) = [record for record in list_runs(door.database) if record.id == "r2"]
    assert waiting.commit == commits[-1]
    assert waiting.wanted["wake"]["commit"] == commits[-1]  # type: ignore[index]
    assert depths(door.database)["default"].waiting == 1
    # Not before the first one is done: they write the same tags.
    assert claim(door.database, "b", {"default": Room(9)}, 60, lambda: NOW) == []


def test_each_task_has_its_own_run_and_reason(door: Door) -> None:
    door.everyone = [
        *listening("contoso/web", task(commit={})),
        *listening("contoso/api", task(commit={"branch": "dev"})),
        *listening("contoso/job", task(commit={"paths": {"include": ["job/**"]}})),
        *listening("contoso/off", task(status="Disabled", commit={})),
        *listening("contoso/two", task(commit={})),
    ]
    assert door.verdicts(pushed(ONE, files=("web/a",)), "d1") == [
        ("queued", "r1"),
        ("other-branch", None),
        ("path-filter", None),
        ("task-off", None),
        ("queued", "r2"),
    ]
    assert [item.task for item in list_decisions(door.database, limit=2)] == [
        "contoso/two",
        "contoso/off",
    ]


def test_nothing_is_taken_of_an_event_that_fails_half_way(door: Door) -> None:
    door.everyone = [*door.everyone, *listening("contoso/gone", task(commit={}))]
    asked: list[str] = []

    def refuse() -> str:
        if len(asked) == 1:
            raise ReconcilerError("no second id")
        asked.append("r1")
        return "r1"

    door.intake = Intake(door.database, lambda: NOW, refuse)
    with pytest.raises(ReconcilerError):
        door.take(pushed(ONE), "d1")
    assert list_runs(door.database) == []
    assert list_decisions(door.database) == []
    door.intake = Intake(door.database, lambda: NOW, lambda: next(door.ids))
    assert not door.take(pushed(ONE), "d1").again


def test_the_same_message_many_times_at_once_is_taken_once(door: Door) -> None:
    taken: list[Taken] = []
    threads = [
        threading.Thread(target=lambda: taken.append(door.take(pushed(ONE), "d1")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(item.again for item in taken) == [False] + [True] * 7
    assert {item.runs for item in taken} == {("r1",)}


def test_old_messages_and_decisions_are_forgotten(door: Door) -> None:
    door.take(pushed(ONE), "d1")
    assert purge_decisions(door.database, NOW) == 0
    assert purge_decisions(door.database, datetime(2027, 1, 1, tzinfo=UTC)) == 1
    assert list_decisions(door.database) == []


def test_what_is_found_by_looking_needs_no_message(door: Door) -> None:
    assert door.verdicts(pushed(ONE)) == [("queued", "r1")]
    assert door.verdicts(pushed(ONE)) == [("same-commit", "r1")]
    assert door.verdicts(pushed(ONE), "d1") == [("same-commit", "r1")]
    (_, first) = list_decisions(door.database, limit=3)[1:]
    assert (first.source.value, first.verdict) == ("poll", Verdict.QUEUED)
