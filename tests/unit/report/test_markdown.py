"""The comment on a pull request: within its budget, no delete hidden, nothing broken out of."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.base.text import one_line
from reconciler.plan.change import Action, Cause, Change, Drift, FieldChange, Plan, PolicySummary
from reconciler.plan.facts import KnownDrift, RebuildChange, ReleasePath
from reconciler.plan.safety import Override
from reconciler.report.inert import code, escape, no_commands
from reconciler.report.markdown import BUDGET, MARKER, plan_markdown
from tests.golden.plan_scenario import comparison_plan, planned
from tests.unit.plan.builders import NOW, frozen, task
from tests.unit.report.code_spans import spans

LONGEST = "n" * 44
NOTHING: dict[str, Any] = dict.fromkeys(("changes", "drift", "known_drift", "releases"), ())


def comment(**fields: Any) -> str:
    plan: Plan = comparison_plan().model_copy(update={**NOTHING, **fields})
    return plan_markdown(planned(plan), NOW)


def change(number: int, action: Action, name: str = "task") -> Change:
    path = FieldChange(path="spec.timeout", before=3600, after="x" * 300)
    return Change(
        address=f"contoso/{name}-{number:05}",
        action=action,
        cause=Cause(file=f"specs/{number}.yaml", commit="9" * 40, author="lead@contoso.example"),
        target=None if action is Action.DELETE else frozen(task()),
        paths=(path,),
    )


@pytest.mark.parametrize("action", [Action.CREATE, Action.UPDATE, Action.RENAME])
def test_with_2000_changes_it_stays_within_its_budget_and_counts_what_is_left_out(
    action: Action,
) -> None:
    text = comment(changes=tuple(change(number, action) for number in range(2000)))
    assert len(text) <= BUDGET
    left_out = int(re.search(r"([\d,]+) changes left out", text)[1].replace(",", ""))  # type: ignore[index]
    assert left_out + text.count("contoso/task-") == 2000


def test_deletes_among_2000_changes_are_all_named() -> None:
    others = [change(number, Action.UPDATE) for number in range(1500)]
    deletes = [change(number, Action.DELETE, "gone") for number in range(500)]
    text = comment(changes=(*others, *deletes))
    assert len(text) <= BUDGET
    for number in range(500):
        assert f"gone-{number:05}" in text


def test_2000_deletes_are_named_shorter_and_all_of_them() -> None:
    text = comment(changes=tuple(change(number, Action.DELETE, "gone") for number in range(2000)))
    assert len(text) <= BUDGET
    assert "### Delete (2,000)" in text
    assert len(re.findall(r"gone-\d{5}", text)) == 2000


def test_deletes_that_cannot_all_be_named_are_counted_in_bold() -> None:
    text = comment(changes=tuple(change(number, Action.DELETE, LONGEST) for number in range(2000)))
    assert len(text) <= BUDGET
    named = len(re.findall(rf"{LONGEST}-\d{{5}}", text))
    assert f"**{2000 - named:,} more deletes not named here" in text


def test_deletes_take_all_the_room_that_nothing_else_takes() -> None:
    text = comment(changes=tuple(change(number, Action.DELETE, "a" * 30) for number in range(2900)))
    assert BUDGET - 1_000 < len(text) <= BUDGET
    named = len(re.findall(r"a{30}-\d{5}", text))
    assert f"**{2900 - named:,} more deletes not named here" in text


def test_deletes_of_many_registries_stay_within_the_budget() -> None:
    deletes = [
        replace(change(number, Action.DELETE), address=f"registry-{number:04}/{LONGEST}")
        for number in range(1500)
    ]
    text = comment(changes=tuple(deletes))
    assert BUDGET - 1_000 < len(text) <= BUDGET


def test_what_a_plan_says_of_itself_stands_below_no_other_heading() -> None:
    policy = PolicySummary(warnings=1, findings=("warning: w",))
    override = Override(rule="limit", allowed=2, reason="moved", by="lead")
    text = comment(policy=policy, overrides=(override,))
    below = text.partition("\n### About this plan\n")[2]
    assert below.startswith("- warning: set aside for this plan by lead")
    assert "set aside" not in text.partition("### Policy")[2].partition("###")[0]


def test_everything_at_once_stays_within_the_budget() -> None:
    field = FieldChange(path="spec.x", before="y" * 500, after="z" * 500)
    drift = Drift(address="contoso/etl", kind="changed", paths=(field,) * 100)
    changes = [change(n, action, LONGEST) for action in Action for n in range(400)]
    findings = ("warning: " + "w" * 4000,) * 300 + ("error: blocked for a reason",)
    policy = PolicySummary(failures=1, warnings=300, findings=findings)
    pushes = (RebuildChange(image=f"registry.example/{LONGEST}:1", waves=(1,), at_once=10),) * 300
    text = comment(changes=tuple(changes), drift=(drift,) * 300, policy=policy, rebuilds=pushes)
    assert len(text) <= BUDGET
    assert "base images more; see the plan file" in text
    assert text.startswith(MARKER)
    assert "**BLOCKED by 1 policy failure.**" in text
    assert "blocked for a reason" in text


def folds(text: str) -> list[str]:
    return re.findall(r"<summary>([\w ]*\w)", text)


def test_deletes_come_before_all_other_changes() -> None:
    text = plan_markdown(planned(), NOW + timedelta(hours=1))
    heads = re.findall(r"^### (\w+)", text, re.MULTILINE)
    assert heads == ["Delete", "New", "Pushes", "Drift"]
    assert folds(text) == ["Known drift", "Rename", "Change", "Create"]


def test_5000_changes_fit_with_every_delete_outside_a_fold() -> None:
    kinds = [Action.CREATE, Action.UPDATE, Action.UPDATE, Action.RENAME, Action.DELETE]
    changes = [
        change(number, kinds[number % 5], "gone" if number % 5 == 4 else "task")
        for number in range(5000)
    ]
    text = comment(changes=tuple(changes))
    assert len(text) <= BUDGET
    assert text.count("<details") == text.count("</details>")
    outside = re.sub(r"(?s)<details.*?</details>", "", text)
    assert len(re.findall(r"gone-\d{5}", outside)) == 1000
    assert "1,000 to delete" in outside
    left_out = int(re.search(r"([\d,]+) changes left out", outside)[1].replace(",", ""))  # type: ignore[index]
    assert left_out + len(re.findall(r"contoso/task-\d{5}", text)) == 4000


def test_a_plan_too_long_for_fields_has_a_line_for_each_change() -> None:
    text = comment(changes=tuple(change(number, Action.UPDATE) for number in range(300)))
    assert len(re.findall(r"contoso/task-\d{5}", text)) == 300
    assert "timeout" not in text
    assert "left out" not in text


def test_what_is_read_at_a_glance_is_not_folded() -> None:
    few = comment(changes=(change(1, Action.UPDATE),))
    many = comment(changes=tuple(change(number, Action.UPDATE) for number in range(20)))
    assert "<details open><summary>Change (1)" in few
    assert "<details><summary>Change (20)" in many


# ------------------------------------------------------------------- hostile
@given(st.text())
def test_code_is_one_span_on_one_line(text: str) -> None:
    shown = code(text)
    assert len(shown.splitlines()) == 1
    assert spans(shown) == ("", [no_commands(one_line(text, 300)) or " "])


@given(st.text(alphabet="` a\\"), st.text(alphabet="` a\\"))
def test_code_of_two_texts_looks_different(one: str, other: str) -> None:
    assert (spans(code(one)) == spans(code(other))) == ((one or " ") == (other or " "))


@given(st.text(alphabet="\\`*_[]()<>!@#|~$a \n:/") | st.text())
def test_escaped_text_has_no_markup_left(text: str) -> None:
    shown = escape(text)
    bare = re.sub(r"\\.", "", shown)
    assert not set(bare) & set("`*_[]()<>#|~!$\\\n")
    assert not re.search(r"@\w", shown)
    assert "://" not in shown


@pytest.mark.parametrize(
    "name",
    [
        "specs/</details>.yaml",
        "specs/a|b|c.yaml",
        "specs/`</code>`.yaml",
        "specs/a\n## Approved\n.yaml",
        "specs/@everyone.yaml",
        "specs/[x](https://evil.example).yaml",
        "specs/<img src=x onerror=alert(1)>.yaml",
        "specs/\\`x.yaml",
    ],
)
def test_a_hostile_file_name_or_author_stays_text(name: str) -> None:
    cause = Cause(file=name, commit="9" * 40, author=f"{name} @team")
    hostile = replace(change(1, Action.DELETE), cause=cause)
    fields = (FieldChange(path=f"spec.{name}", before=name, after=f"{name} @team"),)
    edited = replace(change(2, Action.UPDATE), cause=cause, paths=fields)
    drift = Drift(address=name, kind="changed", changed_by=f"{name} @team", paths=fields)
    known = KnownDrift(
        address=name,
        kind="changed",
        reason=f"{name} @team",
        owner=f"{name} @team",
        expires=NOW.date(),
        origin=f"{name}:1:1",
    )
    release = ReleasePath(image=name, address=name, former=(f"{name} @team",))
    policy = PolicySummary(failures=1, findings=(f"error: {name}: {name} @team [r]",))
    text = comment(
        changes=(hostile, edited),
        policy=policy,
        drift=(drift,),
        known_drift=(known,),
        releases=(release,),
    )
    outside = spans(text)[0]
    assert "@team" not in outside
    assert "@everyone" not in outside
    assert "<img" not in outside
    assert not re.search(r"(?<!\\)\]\(", outside)
    heads = [line for line in text.splitlines() if line.startswith("## ")]
    assert heads == ["## Plan: 1 to change, 1 to delete, 1 unchanged, 1 drifted, 1 known drift."]
    assert outside.count("<details") == outside.count("</details>") == 2


def test_a_hostile_field_of_a_rename_stays_text() -> None:
    field = FieldChange(path="spec.step.docker.args.<img src=x> @team", before="a", after="b")
    text = comment(changes=(replace(change(1, Action.RENAME), paths=(field,)),))
    assert "renamed, 1 field" in text
    outside = spans(text)[0]
    assert "<img" not in outside
    assert "@team" not in outside
