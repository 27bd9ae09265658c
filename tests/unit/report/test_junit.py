"""The JUnit file fails exactly where the report does."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from reconciler.operations.auditing.audit_report import AuditReport
from reconciler.report.junit import audit_junit
from tests.golden.audit.scenario import report


def tree(made: AuditReport) -> ET.Element:
    return ET.fromstring(audit_junit(made))  # noqa: S314  (written here)


def count(made: AuditReport, name: str) -> int:
    return sum(int(suite.get(name, "0")) for suite in tree(made))


def test_failures_and_errors_are_what_blocks() -> None:
    made = report()
    assert count(made, "failures") == len(made.failures) == 4
    assert count(made, "errors") == len(made.population.unreadable) == 1


def test_an_advisory_failure_is_skipped_and_told() -> None:
    suite = tree(report()).find("testsuite[@name='schedule-floor']")
    assert suite is not None
    skipped = suite.find("testcase[@name='contoso/etl-hourly']/skipped")
    assert skipped is not None
    assert skipped.get("type") == "advisory"
    assert skipped.get("message", "").startswith("warning: runs 1,440 times a day")
    assert "warning: contoso/etl-hourly" in (suite.findtext("system-out") or "")


def test_a_failure_has_its_place_and_its_fix() -> None:
    case = "testsuite[@name='token-scope']/testcase[@name='contoso/web-api']/failure"
    failure = tree(report()).find(case)
    assert failure is not None
    assert failure.get("message") == "token scope is wider than the policy allows"
    assert (failure.text or "").startswith("specs/web-api.yaml:9:3: ")
    assert "; fix: use scopes" in (failure.text or "")


def test_a_rule_that_broke_is_an_error() -> None:
    made = report(unreadable=[])
    words = tuple(replace(row, words=("error", *row.words[1:])) for row in made.verdicts)
    assert count(replace(made, verdicts=words), "errors") == made.population.judged


@pytest.mark.parametrize("sign", ["\x00", "\ufffe", "\ud800", "]]>", "<a>", '"', "\n\t"])
def test_any_text_gives_a_file_that_can_be_read(sign: str) -> None:
    made = report()
    odd = tuple(replace(row, message=sign, fix=sign, found=sign) for row in made.failures)
    assert count(replace(made, failures=odd), "failures") == 4
