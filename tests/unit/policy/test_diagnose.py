"""Policy results as diagnostics: place, rule, found, allowed, fix."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from reconciler.base.diagnostics import Diagnostic, Severity
from reconciler.base.source import Located
from reconciler.model.policy import Waiver
from reconciler.policy.diagnose import to_diagnostics
from reconciler.policy.evaluate import compile_rules
from reconciler.policy.waivers import evaluate
from tests.unit.policy.builders import on_public_repository, policy, source, subject, waiver

TODAY = date(2026, 11, 20)
SOURCES = {"contoso/web-api": source("specs/web.yaml", 10)}


def told(*waivers: Located[Waiver], live: bool = False, **rule: Any) -> list[Diagnostic]:
    rules, _ = compile_rules([policy({"name": "token-scope", **rule})])
    made, declared = subject("web-api", on_public_repository("repo"))
    judged = (made, replace(declared, live=live))
    return to_diagnostics(evaluate(rules, [judged], waivers, TODAY), SOURCES)


def test_a_failure_shows_place_rule_found_allowed_and_fix() -> None:
    (found,) = told()
    assert str(found.location) == "specs/web.yaml:15:3"
    assert found.severity is Severity.ERROR
    assert found.task == "contoso/web-api"
    assert found.rule == "token-scope (policies/test.yaml:3)"
    assert (found.found, found.allowed) == ("repo", "repo:status, public_repo")
    assert found.fix is not None
    assert found.fix.endswith("or add a waiver with an expiry date")


def test_the_policys_own_words_win() -> None:
    (found,) = told(message="ask security first", remediation="see the wiki")
    assert (found.message, found.fix) == ("ask security first", "see the wiki")


def test_an_advisory_failure_is_a_warning() -> None:
    assert [item.severity for item in told(enforcement="advisory")] == ["warning"]


def test_a_live_task_has_no_place_and_says_so() -> None:
    (found,) = told(live=True)
    assert found.location is None
    assert found.task == "contoso/web-api (live)"


def test_a_waived_failure_is_one_note() -> None:
    (found,) = told(waiver("token-scope", "2026-12-18", id="W-17"))
    assert found.severity is Severity.NOTE
    assert found.message == "1 failure is waived until 2026-12-18 (W-17)"


def test_an_expired_waiver_is_named_in_the_failure_and_told_itself() -> None:
    failure, expired = told(waiver("token-scope", "2026-11-18", id="W-17"))
    assert failure.message.endswith("(waiver W-17 expired on 2026-11-18)")
    assert expired.message == "waiver W-17 expired on 2026-11-18"
    assert expired.severity is Severity.WARNING


def test_a_waiver_that_ends_soon_is_a_warning_with_its_end() -> None:
    (found,) = told(waiver("token-scope", "2026-11-29", id="W-17"))
    assert found.message == "waiver W-17 ends soon: 1 failure waived until 2026-11-29"
    assert found.severity is Severity.WARNING


def test_an_unused_waiver_is_a_warning() -> None:
    found = told(waiver("ownership", "2027-01-01", id="W-9"))[-1]
    assert found.message == "waiver W-9 covers no failure (valid until 2027-01-01)"


def test_a_hostile_value_becomes_one_harmless_line() -> None:
    rules, _ = compile_rules([policy({"name": "identity-required"})])
    identity = {"type": "UserAssigned", "ids": ["x\n\x1b[31mred"]}
    made = subject("web-api", {"spec": {"identity": identity}})
    (found,) = to_diagnostics(evaluate(rules, [made], [], TODAY), SOURCES)
    assert found.found == "x\\n\\x1b[31mred"
