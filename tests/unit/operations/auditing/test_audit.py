"""The audit report: population, forms, rows in a stable order, digests of inputs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from reconciler.base.errors import InvalidInput
from reconciler.base.source import Located
from reconciler.model.common import Match
from reconciler.operations.auditing.audit import audit
from reconciler.operations.auditing.audit_report import AuditReport
from reconciler.operations.auditing.audit_rows import spell_match
from tests.golden.audit.scenario import AS_OF, declared, live, report
from tests.unit.policy.builders import policy, source, task, waiver

PROTECT = policy({"name": "protect-required"})
OPEN, SAFE = task("web-api"), task("web-api", {"spec": {"protect": True}})


def audited(spec: Any = None, running: Any = None, **fields: Any) -> AuditReport:
    specs = [] if spec is None else [Located(spec, source("specs/web.yaml"))]
    return audit(
        specs,
        {} if running is None else {running.address: running},
        **{"policies": [PROTECT], "waivers": [], "as_of": AS_OF, "commit": None, **fields},
    )


def test_the_population_tells_declared_live_unmanaged_and_missing() -> None:
    people = report().population
    assert (people.declared, people.live, people.judged) == (5, 6, 7)
    assert people.unmanaged == ("contoso/by-hand", "contoso/from-the-future")
    assert people.missing == ("contoso/new-task",)
    assert people.differing == ("contoso/shop-front",)


def test_a_task_that_is_live_as_declared_is_judged_once() -> None:
    assert audited(OPEN, OPEN).population.judged == 1


def test_order_and_written_defaults_make_no_difference() -> None:
    written = {"spec": {"timeout": 3600, "status": "Enabled"}}
    assert audited(task("web-api", written), OPEN).population.differing == ()


def test_a_live_form_that_differs_is_judged_as_well() -> None:
    found = audited(SAFE, OPEN)
    assert [(row.form, row.where) for row in found.failures] == [("live", None)]
    assert found.verdict == "fail"


def test_an_unmanaged_task_is_judged() -> None:
    assert [row.address for row in audited(None, OPEN).failures] == ["contoso/web-api"]


def test_a_live_task_that_cannot_be_read_fails_the_report() -> None:
    found = audited(SAFE, SAFE, unreadable=["contoso/odd-one"])
    assert found.verdict == "fail"
    assert found.population.live == 2


def test_a_waived_failure_passes_and_names_its_waiver() -> None:
    found = audited(OPEN, OPEN, waivers=[waiver("protect-required", "2027-03-01", id="W-1")])
    assert found.verdict == "pass"
    assert [row.waiver for row in found.waived] == ["W-1"]
    assert found.waivers[0].covers == ("contoso/web-api",)


def test_an_ending_waiver_asks_for_a_look() -> None:
    found = audited(OPEN, OPEN, waivers=[waiver("protect-required", "2026-11-25")])
    assert (found.verdict, found.waivers[0].days_left) == ("warn", 5)


def test_without_policies_the_report_says_that_nothing_was_judged() -> None:
    found = audited(OPEN, policies=[])
    assert found.not_covered[0] == "No policy was found, so nothing was judged."


def test_a_wrong_policy_stops_the_report() -> None:
    with pytest.raises(InvalidInput):
        audited(OPEN, policies=[policy({"name": "no-such-rule"})])


def test_the_day_is_the_day_in_utc() -> None:
    waivers = [waiver("protect-required", "2026-11-20")]
    west = timezone(timedelta(hours=-5))
    late = datetime(2026, 11, 20, 23, 0, tzinfo=west)  # the 21st in UTC
    assert audited(OPEN, waivers=waivers, as_of=late).verdict == "fail"
    assert audited(OPEN, waivers=waivers, as_of=late).as_of.tzinfo is UTC


def test_the_order_of_specs_changes_nothing() -> None:
    fields: dict[str, Any] = {
        "policies": [PROTECT],
        "waivers": [],
        "as_of": AS_OF,
        "commit": "abc",
    }
    assert audit(declared(), live(), **fields) == audit(declared()[::-1], live(), **fields)


def test_safety_rules_set_aside_stand_newest_first_whatever_their_order() -> None:
    made = report()
    assert [row.kind for row in made.events] == ["limit-overridden", "lock-broken"]
    assert report(events=made.events) == report(events=made.events[::-1]) == made


def test_a_safety_rule_set_aside_gives_the_report_another_name() -> None:
    made, without = report(), report(events=[])
    assert made.inputs.events != without.inputs.events
    assert made.id != without.id
    assert made.verdict == without.verdict


def test_each_input_has_a_digest_of_its_own() -> None:
    base = audited(OPEN, OPEN).inputs
    other = task("web-api", {"spec": {"timeout": 600}})
    assert audited(other, OPEN).inputs.specs != base.specs
    assert audited(other, OPEN).inputs.live == base.live
    assert audited(OPEN, other).inputs.live != base.live
    assert audited(OPEN, OPEN, policies=[]).inputs.policies != base.policies
    assert audited(SAFE, SAFE).inputs.verdicts != base.verdicts


def test_the_id_names_the_day_and_the_inputs() -> None:
    found = report()
    assert found.id == report().id
    assert found.id.startswith("R-20261120-")
    assert replace(found, commit="other").id != found.id


def test_failures_are_sorted_worst_first() -> None:
    assert [row.severity for row in report().failures] == ["critical", "high", "medium", "low"]


def test_a_selector_is_spelled_in_words() -> None:
    match = Match(address="contoso/*", labels={"tier": "prod"}, owner="team-web")
    assert spell_match(match) == "address contoso/*, owner team-web, label tier=prod"
    assert spell_match(Match()) == "every task"


def test_the_words_of_all_forms_add_up_to_the_counts_of_each_rule() -> None:
    found = report()
    assert len(found.verdicts) == found.population.judged
    for number, rule in enumerate(found.rules):
        words = [row.words[number] for row in found.verdicts]
        counts = (rule.passed, rule.failed, rule.waived, rule.not_applicable, rule.errors)
        kinds = ("pass", "fail", "waived", "not-applicable", "error")
        assert tuple(words.count(kind) for kind in kinds) == counts
