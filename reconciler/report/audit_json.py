"""An audit report as versioned JSON, and the plain data its page is made from. Decides nothing."""

from __future__ import annotations

import json
from typing import Any

from reconciler.base.clock import to_iso
from reconciler.base.diagnostics import Location
from reconciler.base.text import plural
from reconciler.operations.auditing.audit_report import (
    AuditReport,
    EventRow,
    FindingRow,
    RuleRow,
    WaiverRow,
)

FORMAT_VERSION = "1.0"


def audit_json(report: AuditReport) -> str:
    """The output of `report -o json`: indented, ASCII, the same bytes for the same report."""
    return json.dumps(audit_document(report), indent=2, ensure_ascii=True) + "\n"


def audit_line(report: AuditReport) -> str:
    """The report in one line."""
    people = report.population
    found = [
        plural(len(report.failures), "failure"),
        plural(len(report.warnings), "warning"),
        f"{len(report.waived):,} waived",
    ]
    if people.unreadable:
        found.append(f"{len(people.unreadable):,} NOT JUDGED (damaged, or of a newer version)")
    tasks = (
        f"{people.declared:,} declared, {people.live:,} live, {len(people.unmanaged):,} unmanaged"
    )
    return f"{report.id}: {', '.join(found)}; {tasks}"


def audit_document(report: AuditReport) -> dict[str, Any]:
    """The report as JSON values; times are UTC, places are relative to the workspace."""
    population, inputs = report.population, report.inputs
    return {
        "format_version": FORMAT_VERSION,
        "id": report.id,
        "as_of": to_iso(report.as_of),
        "tool_version": report.tool_version,
        "commit": report.commit,
        "uncommitted_changes": report.dirty,
        "verdict": report.verdict,
        "population": {
            "declared": population.declared,
            "live": population.live,
            "judged": population.judged,
            "unmanaged": list(population.unmanaged),
            "missing": list(population.missing),
            "differing": list(population.differing),
            "drifted": list(population.drifted),
            "unreadable": list(population.unreadable),
        },
        "rules": [_rule(row) for row in report.rules],
        "failures": [_finding(row) for row in report.failures],
        "warnings": [_finding(row) for row in report.warnings],
        "waived": [_finding(row) for row in report.waived],
        "waivers": [_waiver(row) for row in report.waivers],
        "events": [_event(row) for row in report.events],
        "not_covered": list(report.not_covered),
        "inputs": {
            "specs": inputs.specs,
            "live": inputs.live,
            "policies": inputs.policies,
            "verdicts": inputs.verdicts,
            "events": inputs.events,
        },
    }


def _place(where: Location | None) -> dict[str, Any] | None:
    if where is None:
        return None
    return {"file": where.file, "line": where.line, "column": where.column}


def _rule(row: RuleRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "title": row.title,
        "severity": row.severity,
        "enforcement": row.enforcement,
        "where": _place(row.where),
        "controls": list(row.controls),
        "counts": {
            "pass": row.passed,
            "fail": row.failed,
            "waived": row.waived,
            "not_applicable": row.not_applicable,
            "error": row.errors,
        },
    }


def _finding(row: FindingRow) -> dict[str, Any]:
    return {
        "severity": row.severity,
        "address": row.address,
        "form": row.form,
        "owner": row.owner,
        "rule": row.rule,
        "enforcement": row.enforcement,
        "rule_broke": row.error,
        "path": row.path,
        "where": _place(row.where),
        "message": row.message,
        "found": row.found,
        "allowed": row.allowed,
        "fix": row.fix,
        "waiver": row.waiver,
    }


def _event(row: EventRow) -> dict[str, Any]:
    return {
        "at": to_iso(row.at),
        "kind": row.kind,
        "by": row.actor,
        "subject": row.subject,
        "reason": row.reason,
    }


def _waiver(row: WaiverRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "rule": row.rule,
        "state": row.state,
        "match": row.match,
        "owner": row.owner,
        "approver": row.approver,
        "reason": row.reason,
        "ticket": row.ticket,
        "expires": row.expires.isoformat(),
        "days_left": row.days_left,
        "where": _place(row.where),
        "covers": list(row.covers),
    }
