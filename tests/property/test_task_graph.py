"""Any `when` graph, from the file to the last thread: refused, or each step once, in order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.runner.schedule import run_graph
from reconciler.taskfile.file.read import read_task_file
from reconciler.taskfile.inputs import Inputs, Manner
from reconciler.taskfile.steps.graph import critical_path
from reconciler.taskfile.tasks import TaskFile

PATIENCE = 20  # seconds until a step that hangs is told

Step = dict[str, Any]
IDS = st.sampled_from(["a", "b", "c", "d", "e", "f", "g", "h"])
WHEN = st.none() | st.lists(IDS | st.just("-"), max_size=4) | st.lists(IDS, max_size=2)
STEPS = st.lists(
    st.fixed_dictionaries({}, optional={"id": IDS, "when": WHEN}), min_size=1, max_size=8
)
# Steps that can only be wrong by naming the same one twice.
LEGAL = st.lists(st.sets(st.integers(1, 7), max_size=3) | st.none(), min_size=1, max_size=8)


def legal(distances: Sequence[set[int] | None]) -> list[Step]:
    """Steps that wait for those so many places before them; none so near: at once."""
    found: list[Step] = []
    for number, before in enumerate(distances):
        step: Step = {"id": f"s{number}"}
        if before is not None:
            step["when"] = [f"s{number - d}" for d in sorted(before) if d <= number] or ["-"]
        found.append(step)
    return found


def read(steps: Sequence[Step], manner: Manner) -> TaskFile:
    text = yaml.safe_dump({"steps": [{"cmd": "x", **step} for step in steps]})
    return read_task_file(text, file="task.yaml", manner=manner, inputs=Inputs())


def expected(steps: Sequence[Step], manner: Manner) -> dict[str, set[str]] | None:
    """What each step waits for, by the documented rules; None for a file that is refused."""
    found: dict[str, set[str]] = {}
    for number, step in enumerate(steps):
        name, when = step.get("id", f"acb_step_{number}"), step.get("when") or []
        if name in found or ("-" in when and len(when) > 1):
            return None
        if manner is Manner.STRICT and len(set(when)) < len(when):
            return None
        named = set(when) - {"-"}
        if not named <= set(found):
            return None
        found[name] = named if when else set(list(found)[-1:])
    return found


class Conductor:
    """Lets steps end one by one, in an order of its own, and sees which start in between."""

    def __init__(self, needs: Mapping[str, set[str]], failing: set[str], width: int) -> None:
        self.needs, self._failing, self.width = needs, failing, width
        self._changed = threading.Condition()
        self._released: set[str] = set()
        self.halt = threading.Event()
        self.started: list[str] = []
        self.ended: set[str] = set()
        self.wrong: list[str] = []

    def do(self, step: str) -> None:
        """Wait until the step may end."""
        with self._changed:
            if step in self.started or not self.needs[step] <= self.ended:
                self.wrong.append(step)
            self.started.append(step)
            self._changed.notify_all()
            self._changed.wait_for(lambda: step in self._released, PATIENCE)
        if step in self._failing:
            raise ValueError(step)

    def conduct(self, choose: Callable[[list[str]], str]) -> None:
        """End what runs, as `choose` says, until all is done or a step failed."""
        running: list[str] = []
        while True:
            ready = [s for s in self.needs if self.needs[s] <= self.ended]
            fresh = [s for s in ready if s not in self.ended and s not in running]
            running += fresh[: self.width - len(running)]
            if not running:
                return
            self._wait_for(self.ended | set(running))
            step = choose(running)
            running.remove(step)
            self._release(step)
            if step in self._failing:
                assert self.halt.wait(PATIENCE), "the others were not told to stop"
                self._release(*running)
                return

    def _wait_for(self, steps: set[str]) -> None:
        with self._changed:
            done = self._changed.wait_for(lambda: steps <= set(self.started), PATIENCE)
        assert done, "a step that could start did not"

    def _release(self, *steps: str) -> None:
        with self._changed:
            self.ended |= set(steps) - self._failing
            self._released |= set(steps)
            self._changed.notify_all()


def run(
    task: TaskFile, conductor: Conductor, choose: Callable[[list[str]], str]
) -> tuple[BaseException | None, int]:
    """The error, and how many steps had started when the last one was let go."""
    needs = {step.id: step.needs for step in task.steps}
    errors: list[BaseException | None] = []

    def work() -> None:
        width, halt = conductor.width, conductor.halt
        found = run_graph(needs, conductor.do, width=width, halt=halt, stopping=lambda: False)
        errors.append(found)

    thread = threading.Thread(target=work)
    thread.start()
    conductor.conduct(choose)
    started = len(conductor.started)
    thread.join(PATIENCE)
    (error,) = errors
    return error, started


@given(STEPS, st.sampled_from(list(Manner)), st.integers(1, 4), st.data())
def test_any_graph_is_refused_or_runs_each_step_once(
    steps: list[Step], manner: Manner, width: int, data: st.DataObject
) -> None:
    task, needs = read(steps, manner), expected(steps, manner)
    assert task.refused == (needs is None)
    if needs is not None:
        conductor = Conductor(needs, set(), width)
        error, _ = run(task, conductor, lambda running: data.draw(st.sampled_from(running)))
        assert (error, conductor.wrong) == (None, [])
        assert sorted(conductor.started) == sorted(needs)


@pytest.mark.parametrize("when", [["a", "a"], ["acb_root", "acb_root"]])
def test_a_name_that_stands_twice_does_not_hang(when: list[str]) -> None:
    steps: list[Step] = [{"id": "a"}, {"when": when}]
    assert read(steps, Manner.STRICT).refused
    task = read(steps, Manner.ACB).checked()
    conductor = Conductor({step.id: set(step.needs) for step in task.steps}, set(), 2)
    assert run(task, conductor, lambda running: running[0])[0] is None
    assert len(conductor.started) == 2


@given(LEGAL, st.integers(1, 4), st.sets(st.integers(0, 7), min_size=1, max_size=2), st.data())
def test_nothing_starts_behind_a_step_that_failed(
    distances: list[set[int] | None], width: int, numbers: set[int], data: st.DataObject
) -> None:
    steps = legal(distances)
    needs = expected(steps, Manner.STRICT)
    assert needs is not None
    failing = {f"s{number}" for number in numbers} & set(needs)
    conductor = Conductor(needs, failing, width)
    task = read(steps, Manner.STRICT).checked()
    error, started = run(task, conductor, lambda running: data.draw(st.sampled_from(running)))
    assert (error is not None) == bool(failing)
    assert (len(conductor.started), conductor.wrong) == (started, [])


@given(LEGAL)
def test_the_critical_path_is_a_chain_and_none_is_longer(distances: list[set[int] | None]) -> None:
    task = read(legal(distances), Manner.STRICT).checked()
    path, seconds = critical_path(task.steps)
    needs = {step.id: step.needs for step in task.steps}
    assert needs[path[0]] == ()
    assert all(before in needs[step] for before, step in pairwise(path))
    depth: dict[str, int] = {}
    for step in task.steps:
        depth[step.id] = 1 + max((depth[need] for need in step.needs), default=0)
    assert (len(path), seconds) == (max(depth.values()), 600 * max(depth.values()))
