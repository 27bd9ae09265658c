"""Waivers: what they cover, until when, and what is said about them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from reconciler.base.source import Located
from reconciler.model.policy import Waiver
from reconciler.model.task import Task
from reconciler.policy.evaluate import RuleSet, compile_rules
from reconciler.policy.rule import Predicate, Subject
from reconciler.policy.waivers import PolicyResult, WaiverState, check_waivers, evaluate
from tests.unit.policy.builders import policy, subject, waiver

TODAY = date(2026, 11, 20)


def rule_set(**fields: Any) -> RuleSet:
    return compile_rules([policy({"name": "protect-required", **fields})])[0]


RULES = rule_set()


def result(*waivers: Located[Waiver], rules: RuleSet = RULES) -> PolicyResult:
    return evaluate(rules, [subject()], waivers, TODAY)


def test_a_failure_without_waiver_blocks() -> None:
    found = result()
    assert found.blocked
    assert found.counts["protect-required"] == {"fail": 1}


def test_a_failure_of_an_advisory_rule_only_warns() -> None:
    found = result(rules=rule_set(enforcement="advisory", severity="critical"))
    assert not found.blocked
    assert len(found.warnings) == 1
    assert found.counts["protect-required"] == {"fail": 1}


def test_a_valid_waiver_covers_the_failure() -> None:
    found = result(waiver("protect-required", "2027-03-01", id="W-1"))
    assert not found.blocked
    assert found.counts["protect-required"] == {"waived": 1}
    assert found.waivers[0].state is WaiverState.IN_USE
    assert found.waivers[0].covers == [("contoso/web-api", "protect-required")]


def test_a_waiver_is_valid_through_its_last_day() -> None:
    assert not result(waiver("protect-required", "2026-11-20")).blocked
    assert result(waiver("protect-required", "2026-11-19")).blocked


def test_an_expired_waiver_leaves_the_failure_and_is_named() -> None:
    found = result(waiver("protect-required", "2026-11-19", id="W-1"))
    assert [use.name for use in found.failures[0].expired] == ["W-1"]
    assert found.waivers_in(WaiverState.EXPIRED) == found.waivers


def test_a_waiver_by_rule_id_or_by_built_in_name_is_found() -> None:
    rules = rule_set(id="P-1")
    assert not result(waiver("P-1", "2027-01-01"), rules=rules).blocked
    assert not result(waiver("protect-required", "2027-01-01"), rules=rules).blocked
    assert result(waiver("ownership", "2027-01-01"), rules=rules).blocked


def test_a_waiver_of_other_tasks_does_not_cover() -> None:
    found = result(waiver("protect-required", "2027-01-01", match={"address": "contoso/etl*"}))
    assert found.blocked
    assert found.waivers_in(WaiverState.UNUSED) == found.waivers


def test_a_waiver_that_ends_within_fourteen_days_is_ending() -> None:
    near = result(waiver("protect-required", "2026-12-04"))
    far = result(waiver("protect-required", "2026-12-05"))
    assert near.waivers[0].state is WaiverState.ENDING
    assert far.waivers[0].state is WaiverState.IN_USE


def test_a_broken_rule_blocks_even_if_it_is_advisory_and_waived() -> None:
    rule = rule_set(enforcement="advisory").rules[0]

    def explode(*_arguments: Any) -> Any:
        raise RuntimeError

    broken = replace(rule.built_in, predicates=(Predicate("x", "x", explode),))
    rules = RuleSet((replace(rule, built_in=broken),))
    found = result(waiver("protect-required", "2027-01-01"), rules=rules)
    assert found.blocked
    assert found.counts["protect-required"] == {"error": 1}


def test_two_waivers_with_one_id_are_refused() -> None:
    pair = [waiver("protect-required", "2027-01-01", id="W-1") for _ in range(2)]
    (problem,) = check_waivers(pair, RULES)
    assert "two waivers have the id W-1" in problem.message


def test_a_waiver_of_an_unknown_rule_is_a_warning_with_the_nearest_name() -> None:
    (problem,) = check_waivers([waiver("protect-requird", "2027-01-01")], RULES)
    assert (problem.severity, problem.fix) == ("warning", "did you mean 'protect-required'?")


def digest_of(*subjects: tuple[Task, Subject], word: str = "d") -> str | None:
    return evaluate(RULES, subjects, [], TODAY, lambda _subject: word).digest


def test_the_digest_does_not_depend_on_the_order_of_tasks() -> None:
    first, second = subject("first"), subject("second")
    assert digest_of(first, second) == digest_of(second, first)


def test_the_digest_changes_with_spec_address_form_and_verdict() -> None:
    plain, protected = subject("web-api"), subject("web-api", {"spec": {"protect": True}})
    found = {
        digest_of(plain),
        digest_of(plain, word="e"),
        digest_of(subject("other")),
        digest_of((plain[0], replace(plain[1], live=True))),
        digest_of(protected),
    }
    assert len(found) == 5


def test_what_passes_is_counted_and_not_kept() -> None:
    many = (subject(f"task-{i}", {"spec": {"protect": True}}) for i in range(50))
    found = evaluate(RULES, many, [], TODAY)
    assert (found.judged, found.counts["protect-required"]["pass"]) == (50, 50)
    assert (found.failures, found.warnings, found.waived) == ((), (), ())
