"""The printed forms of plan, apply and drift. RECONCILER_UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.operations.applying.apply import Applied
from reconciler.plan.change import Plan
from reconciler.report.annotations import plan_annotations
from reconciler.report.apply_text import applied_lines, step_lines
from reconciler.report.drift_text import drift_report
from reconciler.report.levels import Level
from reconciler.report.machine import drift_json, plan_json, to_text
from reconciler.report.markdown import plan_markdown
from reconciler.report.plan_text import plan_lines, summary
from tests.golden.compare import check_golden
from tests.golden.plan_scenario import AT, comparison_plan, planned, steps

FOLDER = Path(__file__).parent
WIDTHS = (80, 40)


def text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("width", WIDTHS)
def test_a_plan_looks_as_before(width: int) -> None:
    lines = plan_lines(planned(killed=True), 0.34, width, AT)
    assert max(map(len, lines)) <= width
    check_golden(FOLDER / f"plan-{width}.txt", text(lines))


@pytest.mark.parametrize("level", [Level.SUMMARY, Level.FULL])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_shorter_and_the_longer_form_look_as_before(level: Level, width: int) -> None:
    lines = plan_lines(planned(), 0.34, width, AT, level)
    assert max(map(len, lines)) <= width
    check_golden(FOLDER / f"plan-{level}-{width}.txt", text(lines))


@pytest.mark.parametrize("service", ["github", "azure"])
def test_the_notes_on_lines_look_as_before(service: str) -> None:
    check_golden(FOLDER / f"plan-{service}.txt", text(plan_annotations(planned(), service)))


def test_the_json_looks_as_before() -> None:
    content = json.loads("".join(plan_json(planned())))
    content["tool_version"] = "1"
    check_golden(FOLDER / "plan.json", to_text(content) + "\n")


def test_the_json_of_drift_looks_as_before() -> None:
    content = {**drift_json(planned()), "tool_version": "1"}
    check_golden(FOLDER / "drift.json", to_text(content) + "\n")


@pytest.mark.parametrize("width", WIDTHS)
def test_an_apply_looks_as_before(width: int) -> None:
    done = [line for step in steps(comparison_plan()) for line in step_lines(step, width)]
    lines = [*done, *applied_lines(Applied("a-7f3a9c1e", 4, 4, 1), width, AT)]
    assert max(map(len, lines)) <= width
    check_golden(FOLDER / f"apply-{width}.txt", text(lines))


@pytest.mark.parametrize("width", WIDTHS)
def test_drift_looks_as_before(width: int) -> None:
    lines = drift_report(planned(), width, AT)
    assert max(map(len, lines)) <= width
    check_golden(FOLDER / f"drift-{width}.txt", text(lines))


def test_a_healing_plan_looks_as_before() -> None:
    lines = plan_lines(planned(comparison_plan(heal=True)), 0.34, 80, AT)
    check_golden(FOLDER / "plan-heal-80.txt", text(lines))


def test_the_comment_looks_as_before() -> None:
    check_golden(FOLDER / "plan-comment.txt", plan_markdown(planned(), AT) + "\n")


def test_what_is_none_is_left_out_of_the_summary() -> None:
    empty: Plan = comparison_plan().model_copy(
        update={"changes": (), "drift": (), "known_drift": ()}
    )
    assert summary(empty) == "No changes: 1 unchanged."
