"""The Markdown report: outcome first, never too long, nothing in it does anything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.operations.auditing.audit_report import AuditReport
from reconciler.report.audit_markdown import audit_markdown
from reconciler.report.markdown import BUDGET
from tests.golden.audit.scenario import report
from tests.unit.report.code_spans import spans

LONG = "| <b>`@everyone` [a](http://a.example) " * 200


def swollen(made: AuditReport, times: int) -> AuditReport:
    """The report with long texts, and every list many times as long."""
    people = made.population
    names = tuple(f"contoso/task-{number}-{'x' * 40}" for number in range(times))
    grown = replace(
        people, unmanaged=names, missing=names, drifted=names, unreadable=names, differing=names
    )
    return replace(
        made,
        population=grown,
        failures=tuple(replace(r, message=LONG, owner=LONG) for r in made.failures * times),
        warnings=tuple(replace(r, fix=LONG, found=LONG) for r in made.warnings * times),
        waived=tuple(replace(r, message=LONG, waiver=LONG) for r in made.waived * times),
        waivers=tuple(
            replace(r, reason=LONG, owner=LONG, ticket=LONG) for r in made.waivers * times
        ),
        events=tuple(
            replace(r, actor=LONG, subject=LONG, reason=LONG) for r in made.events * times
        ),
        rules=tuple(replace(r, id=LONG) for r in made.rules * times),
    )


def test_the_outcome_comes_first() -> None:
    lines = audit_markdown(report()).splitlines()
    assert lines[1] == "## Policy report: failed"
    assert lines[3].startswith("**4 failures, 1 warning, 2 waived, 1 task not judged.**")


@pytest.mark.parametrize("times", [30, 1000])
def test_it_never_passes_the_budget_and_counts_what_is_left_out(times: int) -> None:
    text = audit_markdown(swollen(report(), times))
    assert len(text) <= BUDGET
    assert "more; see the JSON or HTML report" in text
    assert "### Not covered" in text


def test_nobody_is_mentioned_and_nothing_is_linked() -> None:
    outside, _ = spans(audit_markdown(swollen(report(), 1)))
    assert "everyone" in outside
    for hostile in ("<b>", "](", "@everyone", "http://"):
        assert hostile not in outside


def test_a_bar_in_a_rule_id_does_not_break_its_row() -> None:
    made = report()
    odd = replace(made, rules=(replace(made.rules[0], id="a|b"),))
    assert "| `a\\|b` | high |" in audit_markdown(odd)


def test_a_passed_report_has_no_empty_parts() -> None:
    text = audit_markdown(report(policies=[], waivers=[], unreadable=[], events=[]))
    assert "## Policy report: passed\n" in text
    for title in ("Failures", "Warnings", "Waived", "Waivers", "Safety rules", "Rules"):
        assert f"### {title}" not in text
