"""Apply in the middle of things: what moves, fails or is taken away between two writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from reconciler.base.errors import PartlyApplied, ReconcilerError, StalePlan, StateUnusable
from reconciler.model.task import Task
from reconciler.operations.apply import Applied, Step, apply_plan, locked, settle_interrupted
from reconciler.operations.gather import read_stores
from reconciler.operations.workspace import OpenWorkspace, actor_of, open_workspace
from reconciler.plan.build import compare
from reconciler.plan.change import Plan
from reconciler.providers.embedded import EmbeddedProvider
from reconciler.store.schema import locks
from tests.flow.project import new_project
from tests.unit.plan.builders import NOW, located, plan_of, stored, task

TASKS = [task("task-a"), task("task-b"), task("task-c")]


@pytest.fixture(name="opened")
def fresh(tmp_path: Path) -> Iterator[OpenWorkspace]:
    new_project(tmp_path)
    opened = open_workspace(tmp_path, {"RECONCILER_ACTOR": "lead@contoso.example"}, lambda: NOW)
    yield opened
    opened.close()


def plan_for(opened: OpenWorkspace, tasks: list[Task]) -> Plan:
    state = read_stores(opened)
    return plan_of(compare(map(located, tasks), state.applied, state.live))


def apply(
    opened: OpenWorkspace, tasks: list[Task], watch: Callable[[Step], None] = lambda _: None
) -> Applied:
    with locked(opened, "test") as (lock, _):
        return apply_plan(opened, plan_for(opened, tasks), lock, watch)


def outcomes(opened: OpenWorkspace) -> list[str | None]:
    with opened.database.read() as connection:
        return list(connection.exec_driver_sql("SELECT outcome FROM applies").scalars())


def addresses(opened: OpenWorkspace) -> list[str]:
    return [one.address for one in opened.provider.read_all()]


def at(position: int, act: Callable[[], object]) -> Callable[[Step], None]:
    """A watcher that does something once so many writes are done."""

    def watch(step: Step) -> None:
        if step.position == position:
            act()

    return watch


def test_every_write_is_told_in_order(opened: OpenWorkspace) -> None:
    seen: list[tuple[int, int, str]] = []
    done = apply(
        opened, TASKS, lambda step: seen.append((step.position, step.total, step.change.address))
    )
    assert seen == [
        (n, 3, f"contoso/task-{letter}") for n, letter in ((1, "a"), (2, "b"), (3, "c"))
    ]
    assert (done.written, done.total, outcomes(opened)) == (3, 3, ["done"])


def test_a_task_made_between_two_writes_stops_the_rest_with_7(opened: OpenWorkspace) -> None:
    document = stored(task("task-c", timeout=900)).document
    with pytest.raises(PartlyApplied, match="applied 2 of 3") as caught:
        apply(opened, TASKS, at(2, lambda: opened.provider.create("contoso/task-c", document)))
    assert ("task", "contoso/task-c") in caught.value.details
    assert '"timeout":900' in document
    live = opened.provider.read("contoso/task-c")
    assert live is not None
    assert live.document == document
    assert outcomes(opened) == ["partial"]
    assert settle_interrupted(opened).recovered == ()


def test_a_rename_stops_before_a_name_taken_between_two_writes(opened: OpenWorkspace) -> None:
    apply(opened, TASKS)
    declared = [
        task("task-a", timeout=900),
        TASKS[1],
        task("task-z", metadata={"movedFrom": ["task-c"]}),
    ]
    taken = stored(task("task-z", timeout=600)).document
    with pytest.raises(PartlyApplied, match="a task with the new name was made"):
        apply(opened, declared, at(1, lambda: opened.provider.create("contoso/task-z", taken)))
    assert addresses(opened) == [f"contoso/task-{letter}" for letter in "abcz"]


def test_a_lock_that_was_taken_away_stops_the_rest(opened: OpenWorkspace) -> None:
    def take_away() -> None:
        with opened.database.write() as connection:
            connection.execute(sa.delete(locks))

    with pytest.raises(PartlyApplied, match="the lock was lost"):
        apply(opened, TASKS, at(1, take_away))
    assert addresses(opened) == ["contoso/task-a"]


def test_nothing_is_written_if_any_task_moved(opened: OpenWorkspace) -> None:
    plan = plan_for(opened, TASKS)
    opened.provider.create("contoso/task-c", stored(TASKS[2]).document)
    with pytest.raises(StalePlan), locked(opened, "test") as (lock, _):
        apply_plan(opened, plan, lock, lambda _: None)
    assert addresses(opened) == ["contoso/task-c"]
    assert outcomes(opened) == []


@pytest.mark.parametrize(("failing", "error"), [(1, StateUnusable), (2, PartlyApplied)])
def test_after_a_failing_write_live_decides_what_was_done(
    opened: OpenWorkspace,
    monkeypatch: pytest.MonkeyPatch,
    failing: int,
    error: type[ReconcilerError],
) -> None:
    real, calls = EmbeddedProvider.create, iter(range(1, 9))

    def create(self: EmbeddedProvider, address: str, document: str) -> None:
        real(self, address, document)
        if next(calls) == failing:
            raise StateUnusable("the answer got lost")

    monkeypatch.setattr(EmbeddedProvider, "create", create)
    with pytest.raises(error, match="the answer got lost"):
        apply(opened, TASKS)
    (recovered,) = settle_interrupted(opened).recovered
    assert (recovered.done, recovered.total) == (failing, 3)
    monkeypatch.undo()
    assert apply(opened, TASKS).written == 3 - failing


def test_actor_comes_from_the_environment_in_its_order() -> None:
    both = {"GITHUB_ACTOR": "octo", "RECONCILER_ACTOR": "lead"}
    assert actor_of(both) == "lead"
    assert actor_of({"GITHUB_ACTOR": "octo"}) == "octo"
    assert "@" in actor_of({})
