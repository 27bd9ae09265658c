"""Compiling policies and judging: wrong policies are told with a place, broken rules close."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

from reconciler.policy.evaluate import RuleSet, Status, compile_rules, judge
from reconciler.policy.rule import Finding, Predicate
from tests.unit.policy.builders import on_public_repository, policy, subject

TODAY = date(2026, 11, 20)


def rules(*items: dict[str, Any]) -> RuleSet:
    found, problems = compile_rules([policy(*items)])
    assert not problems
    return found


def test_an_unknown_rule_is_told_with_the_nearest_name() -> None:
    found, problems = compile_rules([policy({"name": "token-scop"})])
    assert found.rules == ()
    assert problems[0].fix == "did you mean 'token-scope'?"
    assert str(problems[0].location) == "policies/test.yaml:4:3"


def test_a_wrong_parameter_is_told_at_its_own_place() -> None:
    _, problems = compile_rules([policy({"name": "ownership", "params": {"maxReviewDay": 3}})])
    (problem,) = problems
    assert problem.message == "unknown key 'maxReviewDay'"
    assert problem.fix == "did you mean 'maxReviewDays'?"
    assert problem.rule == "ownership"
    assert str(problem.location) == "policies/test.yaml:5:3"


def test_a_parameter_of_the_wrong_kind_is_refused() -> None:
    _, problems = compile_rules([policy({"name": "ownership", "params": {"maxReviewDays": "3"}})])
    assert [problem.message for problem in problems] == ["maxReviewDays is not a whole number"]


def test_parameters_that_contradict_each_other_are_refused() -> None:
    params = {"logs": {"min": "9d", "max": "8d"}}
    _, problems = compile_rules([policy({"name": "retention-range", "params": params})])
    assert problems[0].message.endswith("min is not more than max")


def test_all_wrong_rules_are_told_at_once() -> None:
    _, problems = compile_rules([policy({"name": "x"}), policy({"name": "y"})])
    assert len(problems) == 2


def test_two_rules_with_one_id_are_refused() -> None:
    found, problems = compile_rules([policy({"name": "ownership"}), policy({"name": "ownership"})])
    assert len(found.rules) == 1
    assert "two rules have the id ownership" in problems[0].message


def test_one_built_in_is_used_twice_under_two_ids() -> None:
    found = rules({"name": "ownership", "id": "A-1"}, {"name": "ownership", "id": "A-2"})
    assert [rule.id for rule in found.rules] == ["A-1", "A-2"]


def test_severity_comes_from_the_policy_else_from_the_built_in() -> None:
    found = rules({"name": "ownership"}, {"name": "ownership", "id": "x", "severity": "critical"})
    assert [rule.severity for rule in found.rules] == ["medium", "critical"]


def status(item: dict[str, Any], **meta: Any) -> Status:
    (verdict,) = judge(rules(item), *subject("web-api", **meta), TODAY)
    return verdict.status


def test_a_rule_does_not_concern_tasks_it_does_not_match() -> None:
    assert status({"name": "ownership", "match": {"address": "contoso/etl-*"}}) == "not-applicable"
    assert status({"name": "ownership", "match": {"address": "contoso/web-*"}}) == "fail"


def test_labels_owner_and_registry_all_have_to_match() -> None:
    match = {"labels": {"tier": "prod"}, "owner": "team-web", "registry": "contoso"}
    item = {"name": "protect-required", "match": match}
    assert status(item, labels={"tier": "prod", "x": "y"}, owner="team-web") == "fail"
    assert status(item, labels={"tier": "dev"}, owner="team-web") == "not-applicable"
    assert status(item, labels={"tier": "prod"}, owner="team-etl") == "not-applicable"
    assert status({**item, "match": {"registry": "contoso"}}) == "fail"
    assert status({**item, "match": {"registry": "fabrikam"}}) == "not-applicable"


def explode(*_arguments: Any) -> Iterator[Finding]:
    raise ValueError("hunter2")


def test_a_rule_that_raises_is_an_error_and_does_not_repeat_the_text() -> None:
    rule = rules({"name": "ownership"}).rules[0]
    broken = replace(rule.built_in, predicates=(Predicate("x", "x", explode),))
    (verdict,) = judge(RuleSet((replace(rule, built_in=broken),)), *subject(), TODAY)
    assert verdict.status is Status.ERROR
    assert "ValueError" in verdict.findings[0].message
    assert "hunter2" not in repr(verdict)


def test_a_predicate_that_applies_nowhere_gives_no_pass() -> None:
    rule = rules({"name": "ownership"}).rules[0]
    never: Predicate[Any] = Predicate("x", "x", explode, lambda _params, _task: False)
    nowhere = replace(rule, built_in=replace(rule.built_in, predicates=(never,)))
    (verdict,) = judge(RuleSet((nowhere,)), *subject(), TODAY)
    assert verdict.status is Status.NOT_APPLICABLE


def scope_finding(*scopes: str) -> Finding:
    made = subject("web-api", on_public_repository(*scopes))
    (verdict,) = judge(rules({"name": "token-scope"}), *made, TODAY)
    (finding,) = verdict.findings
    return finding


def test_repo_on_a_public_repository_names_what_was_found_and_what_is_allowed() -> None:
    finding = scope_finding("repo:status", "repo")
    assert finding.message == "token scope is wider than the policy allows"
    assert finding.path == ("spec", "context", "token", "scopes", 1)
    assert (finding.found, finding.allowed) == ("repo", "repo:status, public_repo")


def test_repo_status_alone_is_told_that_a_public_repository_needs_both() -> None:
    finding = scope_finding("repo:status")
    assert finding.message == "the token lacks scope public_repo"
    assert "a document may show repo:status alone; a public repository needs both" in str(
        finding.fix
    )


def test_a_schedule_that_fires_too_often_gets_a_slower_one() -> None:
    timers = {"spec": {"triggers": {"timers": {"often": "* * * * 1-5"}}}}
    (verdict,) = judge(rules({"name": "schedule-floor"}), *subject("etl01", timers), TODAY)
    (finding,) = verdict.findings
    assert finding.message.startswith("runs 1,440 times a day")
    assert finding.fix == '"*/15 * * * 1-5" would run 96 times a day'
