"""The audit report in its other formats. RECONCILER_UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.operations.auditing.audit_report import AuditReport
from reconciler.report.audit_csv import audit_csv
from reconciler.report.audit_markdown import audit_markdown
from reconciler.report.junit import audit_junit
from reconciler.report.sarif import audit_sarif
from tests.golden.audit.scenario import HOSTILE, report
from tests.golden.compare import check_golden

FOLDER = Path(__file__).parent / "audit"
Render = Callable[[AuditReport], str]
FORMATS: list[tuple[str, Render]] = [
    ("report.sarif", audit_sarif),
    ("report-junit.xml", audit_junit),
    ("report.csv", audit_csv),
    ("report-markdown.txt", audit_markdown),
]
each_format = pytest.mark.parametrize(("file", "render"), FORMATS, ids=[one[0] for one in FORMATS])


@each_format
def test_a_format_looks_as_before(file: str, render: Render) -> None:
    check_golden(FOLDER / file, render(report()))


@each_format
def test_hostile_text_does_nothing(file: str, render: Render) -> None:
    text = render(report())
    assert HOSTILE not in text
    assert "\u202e" not in text
    assert "\x1b" not in text


@each_format
def test_a_report_of_nothing_has_a_form_too(file: str, render: Render) -> None:
    assert render(report(policies=[], waivers=[], unreadable=[])).endswith("\n")
