"""Apply in the middle of things: what moves, fails or is taken away between two writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from reconciler.base.errors import PartlyApplied, StalePlan, StateUnusable
from reconciler.model.task import Task
from reconciler.operations.applying.apply import (
    Applied,
    Step,
    apply_plan,
    locked,
    settle_interrupted,
)
from reconciler.operations.applying.manner import Manner
from reconciler.operations.reading.gather import read_stores
from reconciler.operations.workspace import OpenWorkspace, actor_of, open_workspace
from reconciler.plan.build import compare
from reconciler.plan.change import Plan
from reconciler.providers.base import Capabilities
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
    assert ("at", "contoso/task-c") in caught.value.details
    assert (caught.value.hint or "").endswith("make a new plan for the rest")
    assert "--resume" not in (caught.value.hint or "")
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


@pytest.mark.parametrize("failing", [1, 2])
def test_after_a_failing_write_live_decides_what_was_done(
    opened: OpenWorkspace,
    monkeypatch: pytest.MonkeyPatch,
    failing: int,
) -> None:
    real, calls = EmbeddedProvider.create, iter(range(1, 9))

    def create(self: EmbeddedProvider, address: str, document: str) -> None:
        real(self, address, document)
        if next(calls) == failing:
            raise StateUnusable("the answer got lost")

    monkeypatch.setattr(EmbeddedProvider, "create", create)
    with pytest.raises(PartlyApplied, match=f"applied {failing} of 3, .* the answer got lost"):
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


# ---------------------------------------------------------- continue on error
def go_on(opened: OpenWorkspace, tasks: list[Task]) -> tuple[PartlyApplied, list[str]]:
    """Apply with --continue-on-error: how it ended, and what is live then."""
    with pytest.raises(PartlyApplied) as caught, locked(opened, "test") as (lock, _):
        apply_plan(opened, plan_for(opened, tasks), lock, Manner(lambda _: None, go_on=True))
    return caught.value, addresses(opened)


def refuse_writes_to(opened: OpenWorkspace, address: str) -> None:
    """Let the database refuse one task."""
    with opened.database.write() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER refused BEFORE INSERT ON live_tasks "
            f"WHEN new.address = '{address}' BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        )


def journal_of(opened: OpenWorkspace) -> list[tuple[str, str | None]]:
    with opened.database.read() as connection:
        query = "SELECT state, detail FROM journal ORDER BY position"
        return [(row[0], row[1]) for row in connection.exec_driver_sql(query)]


def test_what_can_go_on_goes_on_and_the_rest_is_told_with_7(opened: OpenWorkspace) -> None:
    refuse_writes_to(opened, "contoso/task-b")
    error, live = go_on(opened, TASKS)
    assert live == ["contoso/task-a", "contoso/task-c"]
    assert (error.exit_code, error.message) == (7, "applied 2 of 3; 1 failed")
    rows = [text for label, text in error.details if label == "failed"]
    assert rows == ["contoso/task-b: the state database cannot be used"]
    assert ("  found", "not this one") in error.details
    assert [state for state, _ in journal_of(opened)] == ["done", "not-done", "done"]
    assert outcomes(opened) == ["partial"]


def test_what_moved_is_left_alone_and_the_rest_is_applied(opened: OpenWorkspace) -> None:
    plan = plan_for(opened, TASKS)
    opened.provider.create("contoso/task-a", stored(task("task-a", timeout=900)).document)
    with (
        pytest.raises(PartlyApplied, match="applied 2 of 3; 1 failed") as caught,
        locked(opened, "test") as (lock, _),
    ):
        apply_plan(opened, plan, lock, Manner(lambda _: None, go_on=True))
    assert "--resume" not in (caught.value.hint or "")
    live = opened.provider.read("contoso/task-a")
    assert live is not None
    assert '"timeout":900' in live.document
    assert len(addresses(opened)) == 3


def test_where_nothing_could_be_done_the_error_is_the_first_one(opened: OpenWorkspace) -> None:
    plan = plan_for(opened, TASKS[:1])
    opened.provider.create("contoso/task-a", stored(task("task-a", timeout=900)).document)
    with pytest.raises(StalePlan), locked(opened, "test") as (lock, _):
        apply_plan(opened, plan, lock, Manner(lambda _: None, go_on=True))
    assert outcomes(opened) == ["refused"]


def test_what_depends_on_a_failed_change_is_not_done(opened: OpenWorkspace) -> None:
    plan = plan_for(opened, TASKS)
    needs = {"contoso/task-b": ("contoso/task-a",), "contoso/task-c": ("contoso/task-b",)}
    changes = [
        replace(change, depends_on=needs.get(change.address, ()))
        for change in plan_for(opened, [*TASKS, task("task-d")]).changes
    ]
    refuse_writes_to(opened, "contoso/task-a")
    chained = plan.model_copy(update={"changes": tuple(changes)})
    with pytest.raises(PartlyApplied) as caught, locked(opened, "test") as (lock, _):
        apply_plan(opened, chained, lock, Manner(lambda _: None, go_on=True))
    assert addresses(opened) == ["contoso/task-d"]
    told = [text for label, text in caught.value.details if label == "failed"]
    assert told[1:] == [
        "contoso/task-b: depends on contoso/task-a",
        "contoso/task-c: depends on contoso/task-b",
    ]


def test_a_lost_lock_stops_even_who_goes_on(opened: OpenWorkspace) -> None:
    def take_away() -> None:
        with opened.database.write() as connection:
            connection.execute(sa.delete(locks))

    manner = Manner(at(1, take_away), go_on=True)
    with (
        pytest.raises(PartlyApplied, match="the lock was lost"),
        locked(opened, "test") as (lock, _),
    ):
        apply_plan(opened, plan_for(opened, TASKS), lock, manner)
    assert addresses(opened) == ["contoso/task-a"]
    assert outcomes(opened) == [None]


def test_what_somebody_else_made_meanwhile_is_not_ours_even_if_it_is_the_same(
    opened: OpenWorkspace,
) -> None:
    plan = plan_for(opened, TASKS)
    opened.provider.create("contoso/task-b", stored(TASKS[1]).document)
    manner = Manner(lambda _: None, go_on=True)
    with pytest.raises(PartlyApplied, match="applied 2 of 3"), locked(opened, "test") as (lock, _):
        apply_plan(opened, plan, lock, manner)
    assert sorted(read_stores(opened).applied) == ["contoso/task-a", "contoso/task-c"]


def test_a_lock_lost_between_a_write_and_the_memory_of_it_leaves_both_to_the_next(
    opened: OpenWorkspace,
) -> None:
    def take_away(position: int, moment: str) -> None:
        if (position, moment) == (2, "written"):
            with opened.database.write() as connection:
                connection.execute(sa.delete(locks))

    manner = Manner(lambda _: None, passing=take_away)
    with (
        pytest.raises(PartlyApplied, match=r"applied 2 of 3, .*the lock was lost") as caught,
        locked(opened, "test") as (lock, _),
    ):
        apply_plan(opened, plan_for(opened, TASKS), lock, manner)
    assert ("after", "contoso/task-b") in caught.value.details
    assert sorted(read_stores(opened).applied) == ["contoso/task-a"]
    (recovered,) = settle_interrupted(opened).recovered
    assert (recovered.done, recovered.not_done) == (2, ("contoso/task-c",))


class Remote(EmbeddedProvider):
    """A provider whose writes cannot ask for the lock themselves."""

    def capabilities(self) -> Capabilities:
        return replace(super().capabilities(), fenced=False)


def test_for_a_provider_without_a_fence_the_lock_is_asked_before_each_write(
    opened: OpenWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take_away() -> None:
        with opened.database.write() as connection:
            connection.execute(sa.delete(locks))

    def remote(workspace: OpenWorkspace, _: object) -> Remote:
        return Remote(workspace.database, workspace.actor, workspace.clock)

    monkeypatch.setattr(OpenWorkspace, "guarded_provider", remote)
    with pytest.raises(PartlyApplied, match="the lock was lost"):
        apply(opened, TASKS, at(1, take_away))
    assert addresses(opened) == ["contoso/task-a"]


def test_where_drift_is_left_alone_the_spec_is_remembered_and_not_what_is_live(
    opened: OpenWorkspace,
) -> None:
    apply(opened, TASKS)
    drifted = task("task-a", timeout=900)
    opened.provider.update(drifted.address, stored(drifted).document)
    wanted = [task("task-a", platform="linux/arm64"), *TASKS[1:]]
    apply(opened, wanted)
    state = read_stores(opened)
    assert state.applied[drifted.address].document == stored(wanted[0]).document
    both = task("task-a", timeout=900, platform="linux/arm64")
    assert state.live[drifted.address].document == stored(both).document
