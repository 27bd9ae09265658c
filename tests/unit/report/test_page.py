"""The page shows what the report says, for each outcome."""

from __future__ import annotations

from dataclasses import replace

from reconciler.report.page import audit_page
from tests.golden.audit.scenario import report


def test_a_failed_report_says_how_many_failures() -> None:
    assert "Failed: 4 failures, 1 task not judged" in audit_page(report())


def test_a_report_without_anything_says_passed() -> None:
    clean = report(policies=[], waivers=[], unreadable=[])
    text = audit_page(clean)
    assert ">Passed</p>" in text
    assert "No policy was found, so nothing was judged." in text


def test_a_report_with_warnings_says_that_there_is_something_to_look_at() -> None:
    found = report(unreadable=[])
    assert "Passed, with something to look at" in audit_page(replace(found, failures=()))


def test_changes_that_are_not_committed_are_said() -> None:
    assert "changes that are not committed" in audit_page(report(dirty=True))
    assert "changes that are not committed" not in audit_page(report())


def test_each_unmanaged_missing_and_drifted_task_is_named() -> None:
    text = audit_page(report())
    for address in ("contoso/by-hand", "contoso/new-task", "contoso/from-the-future"):
        assert f"<li><code>{address}</code></li>" in text
