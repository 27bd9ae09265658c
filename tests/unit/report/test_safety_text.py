"""What a plan says of its own safety: complete, but never endless; nobody's text is obeyed."""

from __future__ import annotations

from reconciler.plan.change import Plan
from reconciler.plan.safety import LooksLikeRename, Override
from reconciler.report.safety_text import safety_lines, safety_sentences
from tests.unit.plan.builders import compared, plan_of


def plan(**fields: object) -> Plan:
    return plan_of(compared([], [], []), **fields)


def pair(number: int) -> LooksLikeRename:
    old, new = f"contoso/old-{number}", f"contoso/new-{number}"
    return LooksLikeRename(previous_address=old, address=new, equal=9, fields=10)


def test_a_plan_without_anything_of_the_kind_says_nothing() -> None:
    assert safety_lines(plan(), 80) == []


def test_overrides_are_told_with_who_and_why() -> None:
    limit = Override(rule="limit", action="update", allowed=12, reason="a new base", by="lead")
    task = Override(rule="protect", task="contoso/web-api", reason="", by="lead")
    assert list(safety_sentences(plan(overrides=(limit, task)))) == [
        "warning: set aside for this plan by lead: update up to 12 tasks: a new base",
        "warning: set aside for this plan by lead: delete the protected task contoso/web-api",
    ]


def test_ten_likely_renames_are_told_and_the_rest_is_counted() -> None:
    told = list(safety_sentences(plan(looks_like_renames=tuple(map(pair, range(12))))))
    assert len(told) == 11
    assert "add `movedFrom: [old-0]` to the metadata" in told[0]
    assert told[-1] == "note: 2 more look like renames; the plan file has them"


def test_a_reason_does_nothing_to_a_terminal() -> None:
    hostile = Override(rule="limit", allowed=1, reason="\x1b[2J\u202e", by="lead")
    text = "".join(safety_lines(plan(overrides=(hostile,)), 80))
    assert not set("\x1b\u202e") & set(text)
