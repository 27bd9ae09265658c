"""What code scanning services read out of the SARIF report."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from reconciler.base.diagnostics import Location
from reconciler.operations.auditing.audit_report import AuditReport
from reconciler.report.sarif import audit_sarif
from tests.golden.audit.scenario import report


def run_of(made: AuditReport) -> dict[str, Any]:
    (run,) = json.loads(audit_sarif(made))["runs"]
    assert isinstance(run, dict)
    return run


def test_every_finding_is_a_result_of_its_own_rule() -> None:
    made = report()
    run = run_of(made)
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert ids == [row.id for row in made.rules]
    assert all(ids[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    levels = [result["level"] for result in run["results"]]
    assert levels == ["error"] * 4 + ["warning"] + ["error"] * 2


def test_a_waiver_suppresses_and_says_why_until_when() -> None:
    results = run_of(report())["results"]
    (waived,) = [
        result["suppressions"][0]
        for result in results
        if result["suppressions"] and result["ruleId"] == "token-scope"
    ]
    assert (waived["kind"], waived["status"]) == ("external", "accepted")
    assert waived["justification"].startswith("moves to an app")
    assert waived["justification"].endswith("(W-17 of team-web, OPS-991, until 2026-12-18)")
    assert [bool(result["suppressions"]) for result in results] == [False] * 5 + [True] * 2


def test_a_finding_keeps_its_fingerprint_when_its_line_and_words_change() -> None:
    made = report()
    moved = tuple(
        replace(row, where=Location("specs/a.yaml", 99), message="other") for row in made.failures
    )
    before, after = run_of(made)["results"], run_of(replace(made, failures=moved))["results"]
    assert [one["partialFingerprints"] for one in before] == [
        one["partialFingerprints"] for one in after
    ]


def test_no_two_results_have_one_fingerprint() -> None:
    made = report()
    twice = replace(made, failures=(*made.failures, *made.failures))
    prints = [one["partialFingerprints"]["taskRulePath/v1"] for one in run_of(twice)["results"]]
    assert len(set(prints)) == len(prints)


def test_places_are_relative_and_encoded() -> None:
    made = report()
    odd = tuple(replace(row, where=Location("specs/a b:c#\udcff.yaml")) for row in made.failures)
    place = run_of(replace(made, failures=odd))["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "specs/a%20b%3Ac%23%ED%B3%BF.yaml"


def test_a_live_finding_names_its_task_and_the_workspace_file() -> None:
    place = run_of(report())["results"][0]["locations"][0]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "reconciler.yaml"
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "contoso/shop-front"


def test_severities_fall_into_the_bands_of_code_scanning() -> None:
    rules = run_of(report())["tool"]["driver"]["rules"]
    scores = {rule["id"]: float(rule["properties"]["security-severity"]) for rule in rules}
    assert scores["SEC-7"] > 9 > scores["token-scope"] >= 7 > scores["ownership"] >= 4
    assert 4 > scores["protect-required"] > 0


def test_a_task_that_could_not_be_judged_is_no_success() -> None:
    assert run_of(report())["invocations"][0]["executionSuccessful"] is False
    assert run_of(report(unreadable=[]))["invocations"][0]["executionSuccessful"] is True


def test_words_are_no_link() -> None:
    made = report()
    sly = tuple(replace(row, message="[press](http://a.example)") for row in made.failures)
    text = run_of(replace(made, failures=sly))["results"][0]["message"]["text"]
    assert "](" not in text
