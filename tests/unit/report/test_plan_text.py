"""Details of a printed plan that the golden files do not show."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.plan.change import Action, Cause, Change, Drift, FieldChange
from reconciler.plan.facts import UnknownRelease
from reconciler.report.change_text import field_lines
from reconciler.report.drift_text import drift_fate
from reconciler.report.plan_text import plan_lines
from reconciler.report.values import spell
from tests.golden.plan_scenario import comparison_plan, planned
from tests.unit.plan.builders import NOW


def field(**values: Any) -> FieldChange:
    return FieldChange(**{"path": "spec.timeout", "before": 1, "after": 2, **values})


@pytest.mark.parametrize(
    ("fates", "heal", "expected"),
    [
        (["drift"], False, "left alone (--heal to undo)"),
        (["drift", "spec"], False, "left alone (--heal to undo)"),
        (["spec"], False, "the spec wins"),
        (["accepted"], False, "and the spec says the same by now"),
        (["drift"], True, "undone by this plan"),
    ],
)
def test_the_headline_of_drift_says_what_becomes_of_it(
    fates: list[str], heal: bool, expected: str
) -> None:
    paths = tuple(field(cause=fate) for fate in fates)
    assert drift_fate(Drift(address="a/b", kind="changed", heal=heal, paths=paths)) == expected


def test_a_value_from_defaults_names_their_file() -> None:
    shown = field_lines(field(), 80, "from specs/defaults.yaml:7:3")
    assert shown == ["      timeout                   1 -> 2  from specs/defaults.yaml:7:3"]


def test_values_are_cut_and_nothing_is_a_word() -> None:
    assert spell(None) == "(none)"
    assert spell("x" * 1000) == '"' + "x" * 119 + "... (1,002 characters)"


def test_a_task_that_is_gone_already_is_only_forgotten() -> None:
    gone = Change(address="contoso/web-api", action=Action.DELETE, cause=Cause(file="specs/a.yaml"))
    plan = comparison_plan().model_copy(update={"changes": (gone,), "drift": ()})
    shown = " ".join(" ".join(plan_lines(planned(plan), 0.1, 80, NOW)).split())
    assert "- contoso/web-api already gone; only forgotten removed (specs/a.yaml)" in shown


def test_live_tasks_of_which_nobody_knows_what_they_write_are_never_cut() -> None:
    live = [
        UnknownRelease(address=f"contoso/live-{n:03}", file="a.yaml", why="w") for n in range(30)
    ]
    new = [
        UnknownRelease(address=f"contoso/a-new-{n:03}", file="a.yaml", why="w") for n in range(30)
    ]
    created = tuple(Change(address=one.address, action=Action.CREATE) for one in new)
    plan = comparison_plan().model_copy(
        update={"changes": created, "unknown_releases": (*new, *live)}
    )
    shown = " ".join(" ".join(plan_lines(planned(plan), 0.1, 80, NOW)).split())
    assert shown.count("contoso/live-") == 30
    assert shown.count("contoso/a-new-") == 30 + 20  # each in its headline, twenty of them here
    assert "and 10 more of new tasks (--full)" in shown
