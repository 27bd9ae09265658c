"""The CSV report opens in a spreadsheet and runs nothing there."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from reconciler.operations.auditing.audit_report import AuditReport
from reconciler.report.audit_csv import HEADER, audit_csv
from tests.golden.audit.scenario import report


def rows(made: AuditReport) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(audit_csv(made), newline="")))


def owned(owner: str) -> AuditReport:
    made = report(unreadable=[])
    return replace(made, failures=tuple(replace(row, owner=owner) for row in made.failures))


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", " =", "\uff1d"])
def test_a_cell_is_never_a_formula(sign: str) -> None:
    text = f"{sign}HYPERLINK('http://a.example')"
    assert {row["owner"] for row in rows(owned(text))[:4]} == {f"'{text}"}


@pytest.mark.parametrize("sign", ["\t=1", "\r=1", "\n=1"])
def test_blanks_before_the_sign_do_not_help_it(sign: str) -> None:
    assert rows(owned(sign))[0]["owner"].lstrip()[0] in {"'", "\\"}


def test_other_text_stays_as_it_is() -> None:
    assert rows(owned('a,b "c" ü'))[0]["owner"] == 'a,b "c" ü'


def test_one_finding_is_one_line_of_the_file() -> None:
    made = owned("a\nb")
    count = len(made.failures) + len(made.warnings) + len(made.waived)
    count += len(made.events)
    assert audit_csv(made).count("\n") == count + 1


def test_the_header_stands_without_findings() -> None:
    clean = report(policies=[], waivers=[], unreadable=[], events=[])
    assert audit_csv(clean) == ",".join(HEADER) + "\r\n"


def test_a_rule_that_broke_is_an_error_and_no_failure() -> None:
    made = report(unreadable=[])
    broken = replace(made, failures=(replace(made.failures[0], error=True),))
    assert rows(broken)[0]["verdict"] == "error"


def test_a_safety_rule_that_was_set_aside_has_a_row_of_its_own() -> None:
    told = [row for row in rows(report()) if row["verdict"] == "set-aside"]
    assert [(row["at"], row["rule"], row["by"]) for row in told] == [
        ("2026-11-19T07:00:00Z", "limit-overridden", "dev@contoso.example"),
        ("2026-11-18T09:14:00Z", "lock-broken", "oncall@contoso.example"),
    ]
    assert told[0]["reason"] == "'@everyone: the old bases go"


def test_a_live_finding_has_no_place() -> None:
    first = rows(report(unreadable=[]))[0]
    assert (first["form"], first["file"], first["line"]) == ("live", "", "")
