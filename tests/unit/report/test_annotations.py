"""Notes on lines: one command a line, whatever a plan holds, and no more than a service shows."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.base.diagnostics import Diagnostic, Location, Severity
from reconciler.plan.change import Action, Cause, Change, Drift, FieldChange
from reconciler.report.annotations import diagnostic_annotations, plan_annotations
from tests.golden.plan_scenario import comparison_plan, planned
from tests.unit.plan.builders import NOW, frozen, task

HOSTILE = st.text() | st.text(alphabet="\n\r%:,;]#[=o vs\x1b\u2028")


def notes(*changes: Change, service: str = "github", drift: tuple[Drift, ...] = ()) -> list[str]:
    update = {"changes": changes, "drift": drift, "releases": ()}
    return plan_annotations(planned(comparison_plan().model_copy(update=update)), service)


def change(number: int, action: Action = Action.UPDATE, file: str = "specs/a.yaml") -> Change:
    return Change(
        address=f"contoso/task-{number}",
        action=action,
        cause=Cause(file=file, line=4),
        target=None if action is Action.DELETE else frozen(task()),
        paths=(FieldChange(path="spec.timeout", before=1, after=2),),
    )


@given(HOSTILE)
def test_a_hostile_name_begins_no_command_of_its_own(name: str) -> None:
    found = Diagnostic(name, Location(name, 3, 1), task=name, rule=name, found=name, fix=name)
    drift = Drift(address=name, kind="changed", changed_by=name)
    for service, start in (("github", "::"), ("azure", "##vso[")):
        lines = [
            *diagnostic_annotations([found], service),
            *notes(change(1, file=name), service=service, drift=(drift,))[:-1],
        ]
        assert len(lines) == 3
        for line in lines:
            assert len(line.splitlines()) == 1
            assert "##" not in line.removeprefix("##vso[")
        assert lines[0].startswith(start)
        head = lines[0].removeprefix(start)
        if service == "github":
            assert re.match(r"error [^,]*(,[^,=]+=[^,:]*)*::", head)
        else:
            facts = head.partition("]")[0].split(";")
            assert [fact.partition("=")[0] for fact in facts] == [
                "task.logissue type",
                *(["sourcepath"] if name else []),
                "linenumber",
                "columnnumber",
            ]


def test_a_finding_stands_at_its_line_with_the_fix() -> None:
    found = Diagnostic(
        "too wide",
        Location("specs/web.yaml", 14, 9),
        Severity.WARNING,
        rule="token-scope",
        found="repo",
        allowed="repo:status",
        fix="narrow it",
    )
    assert diagnostic_annotations([found], "github", "team/") == [
        (
            "::warning file=team/specs/web.yaml,line=14,col=9,title=token-scope::"
            "too wide; found repo; allowed repo:status; fix: narrow it"
        )
    ]


def test_drift_that_was_known_says_since_when_it_is_not() -> None:
    drift = Drift(address="a/b", kind="deleted", ended=NOW.date())
    (line,) = notes(drift=(drift,))[:-1]
    assert line == (
        "::warning title=drift a/b::deleted live: all; known until 2026-11-21, which is over"
    )


def test_a_line_of_what_a_template_gave_is_no_line_of_the_template() -> None:
    first = notes(change(1, file="specs/a.yaml.j2 (rendered)"))[0]
    assert first.startswith("::notice file=specs/a.yaml.j2,title=")


@pytest.mark.parametrize("count", [10, 11, 500])
def test_no_more_than_ten_of_a_kind_and_the_rest_is_counted(count: int) -> None:
    lines = notes(*(change(number, Action.DELETE) for number in range(count)))[:-1]
    assert len(lines) == 10
    assert ("and " in lines[-1]) is (count > 10)
    if count > 10:
        assert f"and {count - 9} warnings more" in lines[-1]
