"""apply(plan(a, b)), cut off anywhere any number of times and resumed, gives b. Each write once."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.task import Task
from reconciler.operations.applying.apply import apply_plan, locked
from reconciler.operations.applying.manner import Manner, Moment
from reconciler.operations.applying.resume import resume
from reconciler.operations.reading.gather import read_stores
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.change import Plan
from reconciler.plan.needs import needs_of
from reconciler.plan.order import in_order
from tests.property.test_plan import against, bring_to, documents, live_of, open_state
from tests.unit.plan.builders import plan_of, task

SERVER = "registry.contoso.example"
NAMES = [f"task-{letter}" for letter in "abcdef"]
_specs = st.fixed_dictionaries(
    {},
    optional={
        "timeout": st.sampled_from([600, 7200]),
        "platform": st.just("linux/arm64"),
        "step": st.sampled_from(NAMES).map(
            lambda name: {"docker": {"images": ["x:1"], "args": {"B": f"{SERVER}/{name}:1"}}}
        ),
    },
)
_sets = st.dictionaries(st.sampled_from(NAMES), _specs, max_size=len(NAMES))
_cuts = st.lists(
    st.tuples(st.integers(1, 6), st.sampled_from(["before", "written", "settled"])), max_size=4
)


class Cut(BaseException):
    """The process ends here: nothing in the product may catch it."""


def cutting(place: tuple[int, Moment], seen: Counter[int]) -> Manner:
    """Count what is written, and end at one place."""

    def passing(position: int, moment: Moment) -> None:
        seen[position] += moment == "written"
        if (position, moment) == place:
            raise Cut

    return Manner(lambda _: None, passing=passing)


def plan_to(opened: OpenWorkspace, tasks: list[Task]) -> Plan:
    found = against(read_stores(opened), tasks)
    ordered = in_order(found.changes, needs_of(found.changes, {"contoso": SERVER}, {}))
    return plan_of(found, changes=ordered.changes, cycles=ordered.cycles)


def apply_with_cuts(
    opened: OpenWorkspace, plan: Plan, cuts: list[tuple[int, Moment]]
) -> Counter[int]:
    """Apply a plan, cut off at each place in turn, then to its end: how often each was written."""
    seen: Counter[int] = Counter()
    started = False
    for place in [*cuts, (0, "before")]:
        manner = cutting(place, seen)
        try:
            with locked(opened, "test") as (lock, _):
                if started:
                    resume(opened, "", lock, manner)
                else:
                    started = bool(plan.changes)
                    apply_plan(opened, plan, lock, manner)
        except Cut:
            continue
    return seen


@settings(max_examples=40)
@given(_sets, _sets, _cuts)
def test_an_apply_that_is_cut_off_anywhere_and_resumed_gives_the_same(
    a: dict[str, Any], b: dict[str, Any], cuts: list[tuple[int, Moment]]
) -> None:
    wanted = [task(name, **spec) for name, spec in b.items()]
    with open_state() as opened:
        bring_to(opened, [task(name, **spec) for name, spec in a.items()])
        plan = plan_to(opened, wanted)
        seen = apply_with_cuts(opened, plan, cuts)
        assert live_of(opened) == documents(wanted)
        assert set(read_stores(opened).applied) == set(documents(wanted))
        assert against(read_stores(opened), wanted).changes == []
        # One that was live and not yet remembered is found out, and not written again.
        assert all(seen[position] == 1 for position in range(1, len(plan.changes) + 1))
