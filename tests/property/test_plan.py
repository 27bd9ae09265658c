"""plan(x, x) is empty and apply(plan(a, b)) gives b, through the real provider and journal."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.task import Task
from reconciler.operations.applying.apply import apply_plan, locked
from reconciler.operations.reading.gather import Stores, read_stores
from reconciler.operations.workspace import OpenWorkspace, open_workspace
from reconciler.plan.build import Comparison, compare
from reconciler.plan.change import Action
from reconciler.plan.normalise import (
    document_hash,
    full_document,
    full_of,
    stored_document,
)
from tests.unit.plan.builders import NOW, canonical, located, plan_of, stores, task

WORKSPACE = """\
apiVersion: reconciler/v1
kind: Workspace
registries: [{name: contoso, loginServer: registry.contoso.example}]
"""
NAMES = ("task-a", "task-b", "task-c", "task-d")
_timers = st.dictionaries(st.sampled_from(["nightly", "__x"]), st.just("0 3 * * *"), max_size=2)
_specs = st.fixed_dictionaries(
    {},
    optional={
        "timeout": st.sampled_from([600, 3600, 7200]),
        "platform": st.sampled_from(["linux/amd64", "linux/arm64"]),
        "triggers": st.fixed_dictionaries({"timers": _timers}),
        "step": st.sampled_from(
            [
                {"docker": {"images": ["a:1", "b:1"], "args": {"__V": "1"}}},
                {"file": {"path": "task.yaml", "setSecret": {"K": "env:K"}}},
                {"inline": {"steps": [{"cmd": "a"}], "values": {"x": None, "y": [1, True]}}},
            ]
        ),
        "retention": st.sampled_from([{"logs": "1d"}, {"runs": "90d", "archive": True}]),
    },
)
_sets = st.dictionaries(st.sampled_from(NAMES), _specs, max_size=len(NAMES))


def tasks_of(specs: dict[str, dict[str, Any]]) -> list[Task]:
    return [task(name, **spec) for name, spec in specs.items()]


@contextmanager
def open_state() -> Iterator[OpenWorkspace]:
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "reconciler.yaml").write_text(WORKSPACE)
        opened = open_workspace(Path(name), {"RECONCILER_ACTOR": "tester"}, lambda: NOW)
        try:
            yield opened
        finally:
            opened.close()


def bring_to(opened: OpenWorkspace, wanted: list[Task], *, heal: bool = False) -> Comparison:
    """Plan and apply; the comparison that was applied."""
    found = against(read_stores(opened), wanted, heal=heal)
    plan = plan_of(found)
    with locked(opened, "test") as (lock, _):
        apply_plan(opened, plan, lock, lambda _: None)
    return found


def against(state: Stores, wanted: list[Task], *, heal: bool = False) -> Comparison:
    return compare(map(located, wanted), state.applied, state.live, heal=heal)


def live_of(opened: OpenWorkspace) -> dict[str, Any]:
    return {one.address: stored_document(one.document) for one in opened.provider.read_all()}


def documents(tasks: list[Task]) -> dict[str, Any]:
    return {one.address: canonical(one) for one in tasks}


@given(_sets)
def test_a_plan_of_what_is_already_there_is_empty(specs: dict[str, Any]) -> None:
    tasks = tasks_of(specs)
    found = compare(map(located, tasks), stores(*tasks), stores(*tasks))
    assert (found.changes, found.drift, found.unchanged) == ([], [], len(tasks))


@given(_sets)
def test_defaults_written_out_make_no_change(specs: dict[str, Any]) -> None:
    tasks = tasks_of(specs)
    written_out = [Task.model_validate(full_document(one)) for one in tasks]
    assert compare(map(located, written_out), stores(*tasks), stores(*tasks)).changes == []


@settings(max_examples=25)
@given(_sets, _sets)
def test_applying_a_plan_from_a_to_b_gives_b(a: dict[str, Any], b: dict[str, Any]) -> None:
    with open_state() as opened:
        bring_to(opened, tasks_of(a))
        assert live_of(opened) == documents(tasks_of(a))
        bring_to(opened, tasks_of(b))
        assert live_of(opened) == documents(tasks_of(b))
        assert against(read_stores(opened), tasks_of(b)).changes == []


@settings(max_examples=15)
@given(_sets.filter(bool), _specs)
def test_a_rename_moves_the_task_and_makes_nothing_new(
    specs: dict[str, Any], spec: dict[str, Any]
) -> None:
    old = next(iter(specs))
    others = tasks_of({name: value for name, value in specs.items() if name != old})
    moved = task("task-moved", metadata={"movedFrom": [old]}, **spec)
    with open_state() as opened:
        bring_to(opened, tasks_of(specs))
        found = bring_to(opened, [*others, moved])
        assert [change.action for change in found.changes] == [Action.RENAME]
        assert live_of(opened) == documents([*others, moved])
        assert against(read_stores(opened), [*others, moved]).changes == []


@settings(max_examples=20)
@given(_specs, _specs, _specs)
def test_drift_is_kept_where_the_spec_did_not_change_and_healed_when_asked(
    first: dict[str, Any], second: dict[str, Any], behind: dict[str, Any]
) -> None:
    with open_state() as opened:
        bring_to(opened, [task("task-a", **first)])
        text = stores(task("task-a", **behind))["contoso/task-a"].document
        opened.provider.update("contoso/task-a", text)
        bring_to(opened, [task("task-a", **second)])
        sides = [full_of(canonical(task("task-a", **spec)))["spec"] for spec in (first, second)]
        kept = full_of(live_of(opened)["contoso/task-a"])["spec"]
        drifted = full_of(canonical(task("task-a", **behind)))["spec"]
        for name in ("timeout", "platform"):
            unchanged = sides[0][name] == sides[1][name]
            assert kept[name] == (drifted if unchanged else sides[1])[name]
        bring_to(opened, [task("task-a", **second)], heal=True)
        assert live_of(opened) == documents([task("task-a", **second)])


@given(_sets, _sets, _sets)
def test_a_second_plan_after_apply_asks_for_nothing_more(
    applied: dict[str, Any], live: dict[str, Any], declared: dict[str, Any]
) -> None:
    """Without a database: what a plan would leave behind is a fixed point."""
    before, now = stores(*tasks_of(applied)), stores(*tasks_of(live))
    found = compare(map(located, tasks_of(declared)), before, now)
    for change in found.changes:
        before.pop(change.address, None)
        if change.target is None:
            now.pop(change.address, None)
            continue
        now |= stores(Task.model_validate(change.target.read()))
        before |= stores(Task.model_validate((change.applied or change.target).read()))
    again = compare(map(located, tasks_of(declared)), before, now)
    assert again.changes == []


@given(_specs)
def test_the_digest_of_a_document_follows_its_meaning(spec: dict[str, Any]) -> None:
    one = task("task-a", **spec)
    again = Task.model_validate(full_document(one))
    assert document_hash(canonical(one)) == document_hash(canonical(again))
