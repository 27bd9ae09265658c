"""An audit report as CSV for spreadsheets: a row for each finding and event. Decides nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from reconciler.base.clock import to_iso
from reconciler.base.text import harmless
from reconciler.operations.auditing.audit_report import AuditReport, FindingRow

HEADER = (
    "verdict", "severity", "enforcement", "rule", "address", "form", "owner", "path", "file",
    "line", "column", "message", "found", "allowed", "fix", "waiver",
    "at", "by", "reason",
)  # fmt: skip
# A spreadsheet takes a cell that begins so for a formula (OWASP: CSV injection); the wide forms
# are what some of them read as the narrow ones.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def audit_csv(report: AuditReport) -> str:
    """The output of `report -o csv`: RFC 4180, the header always, the same bytes each time.

    Verdicts are fail, error (the rule broke, or the live task could not be judged), warn, waived,
    and set-aside: a safety rule that somebody went around, its kind in the column of rules.
    What passes and what a rule does not concern has no row.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADER)
    writer.writerows([_cell(value) for value in row] for row in _rows(report))
    return text.getvalue()


def _rows(report: AuditReport) -> Iterator[tuple[object, ...]]:
    for address in report.population.unreadable:
        message = "the live task could not be understood: damaged, or of a newer version"
        yield "error", "", "", "", address, "live", *[""] * 5, message, *[""] * 7
    for row in report.failures:
        yield _row("error" if row.error else "fail", row)
    for row in report.warnings:
        yield _row("warn", row)
    for row in report.waived:
        yield _row("waived", row)
    for event in report.events:
        place = [""] * 7
        told = (to_iso(event.at), event.actor, event.reason)
        yield "set-aside", "", "", event.kind, *place, event.subject, *[""] * 4, *told


def _row(verdict: str, row: FindingRow) -> tuple[object, ...]:
    where = row.where
    place = (where.file, where.line, where.column) if where else ("", "", "")
    return (
        verdict, row.severity, row.enforcement, row.rule, row.address, row.form, row.owner,
        row.path, *place, row.message, row.found, row.allowed, row.fix, row.waiver, *[""] * 3,
    )  # fmt: skip


def _cell(value: object) -> str:
    if value is None or isinstance(value, int):
        return "" if value is None else str(value)
    text = harmless(str(value)).replace("\n", " ")
    # Blanks before the sign do not stop every spreadsheet.
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
