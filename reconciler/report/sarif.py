"""An audit report as SARIF 2.1.0, for code scanning services. Decides nothing.

Source: OASIS SARIF 2.1.0; `security-severity` and its bands are GitHub code scanning's.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from reconciler.base.canonical import digest
from reconciler.base.clock import to_iso
from reconciler.base.diagnostics import Location
from reconciler.base.text import harmless
from reconciler.loader.workspace import WORKSPACE_FILE
from reconciler.operations.auditing.audit_report import AuditReport, FindingRow, RuleRow, WaiverRow
from reconciler.policy.catalogue import BY_NAME

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_ROOT = "%SRCROOT%"
_SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0"}
# A live task stands in no file. Services refuse a result without one, so that it gets the file
# that declares its registry.
_NO_FILE = Location(WORKSPACE_FILE)


def audit_sarif(report: AuditReport) -> str:
    """The output of `report -o sarif`: ASCII, the same bytes for the same report."""
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [_run(report)]}
    return json.dumps(log, indent=2, ensure_ascii=True) + "\n"


def _run(report: AuditReport) -> dict[str, Any]:
    driver = {
        "name": "reconciler",
        "version": report.tool_version,
        "rules": [_rule(row) for row in report.rules],
    }
    return {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"reconciler-policy/{report.id}"},
        "invocations": [_invocation(report)],
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the workspace."}}},
        "columnKind": "unicodeCodePoints",
        "results": list(_results(report)),
        "properties": {
            "asOf": to_iso(report.as_of),
            "commit": report.commit,
            "uncommittedChanges": report.dirty,
            "verdict": report.verdict,
        },
    }


def _invocation(report: AuditReport) -> dict[str, Any]:
    """When it was judged, and the live tasks that could not be."""
    lost = report.population.unreadable
    told = [
        {
            "level": "error",
            "message": {"text": f"{harmless(address)} is live and could not be judged"},
            "locations": [{"logicalLocations": [_task(address)]}],
        }
        for address in lost
    ]
    return {
        "executionSuccessful": not lost,
        "endTimeUtc": to_iso(report.as_of),
        "toolExecutionNotifications": told,
        "toolConfigurationNotifications": [
            _waiver_note(row) for row in report.waivers if row.state != "in-use"
        ],
    }


def _waiver_note(row: WaiverRow) -> dict[str, Any]:
    text = f"waiver {row.name} of rule {row.rule} is {row.state} (until {row.expires})"
    return {
        "level": "warning",
        "message": {"text": harmless(text)},
        "locations": [{"physicalLocation": _physical(row.where)}],
    }


def _rule(row: RuleRow) -> dict[str, Any]:
    built_in = BY_NAME.get(row.name)
    about = built_in.description if built_in else row.title
    return {
        "id": row.id,
        **_name(row),
        "shortDescription": {"text": _sentence(row.title)},
        "fullDescription": {"text": _sentence(about)},
        "help": {"text": _sentence(built_in.fix if built_in else row.title)},
        "defaultConfiguration": {"level": _level(row.enforcement)},
        "properties": {
            "tags": ["policy", "security"],
            "security-severity": _SCORES[row.severity],
            "precision": "very-high",
            "enforcement": row.enforcement,
            "controls": [harmless(control) for control in row.controls],
        },
    }


def _name(row: RuleRow) -> dict[str, str]:
    """A name for people, left out where it would say the id again (SARIF 3.49.7)."""
    name = "".join(word.capitalize() for word in row.name.split("-"))
    return {} if name.lower() == row.id.lower() else {"name": name}


def _sentence(text: str) -> str:
    text = harmless(text)
    return text if text.endswith(".") else f"{text}."


def _level(enforcement: str) -> str:
    return "error" if enforcement == "mandatory" else "warning"


def _results(report: AuditReport) -> Iterator[dict[str, Any]]:
    """Failures, warnings, waived; two findings at one field are numbered in their order."""
    places = {row.id: number for number, row in enumerate(report.rules)}
    waivers = {row.name: row for row in report.waivers}
    seen: Counter[str] = Counter()
    for level, rows in (
        ("error", report.failures),
        ("warning", report.warnings),
        (None, report.waived),
    ):
        for row in rows:
            found = digest([row.address, row.form, row.rule, row.path])[7:39]
            seen[found] += 1
            yield {
                "ruleId": row.rule,
                "ruleIndex": places[row.rule],
                "level": level or _level(row.enforcement),
                "message": {"text": _message(row)},
                "locations": [_location(row)],
                "partialFingerprints": {"taskRulePath/v1": f"{found}:{seen[found]}"},
                "suppressions": _suppressions(waivers.get(row.waiver or "")),
                "properties": {"form": row.form, "owner": row.owner and harmless(row.owner)},
            }


def _message(row: FindingRow) -> str:
    form = " (live)" if row.form == "live" else ""
    facts = [f"{row.address}{form}: {_sentence(row.message)}"]
    facts += [f"Found: {row.found}."] if row.found is not None else []
    facts += [f"Allowed: {row.allowed}."] if row.allowed is not None else []
    facts += [f"Fix: {_sentence(row.fix)}"] if row.fix else []
    # What looks like an embedded link to another place would be followed.
    return harmless(" ".join(facts)).replace("](", "]\\(")


def _location(row: FindingRow) -> dict[str, Any]:
    place = _physical(row.where or _NO_FILE)
    return {"physicalLocation": place, "logicalLocations": [_task(row.address)]}


def _physical(where: Location) -> dict[str, Any]:
    uri = quote(where.file.encode("utf-8", "surrogatepass"))
    return {
        "artifactLocation": {"uri": uri, "uriBaseId": _ROOT},
        "region": {"startLine": where.line, "startColumn": where.column},
    }


def _task(address: str) -> dict[str, Any]:
    name = harmless(address)
    return {"name": name.rpartition("/")[2], "fullyQualifiedName": name, "kind": "resource"}


def _suppressions(waiver: WaiverRow | None) -> list[dict[str, Any]]:
    """The waiver; an empty list says that there is none."""
    if waiver is None:
        return []
    ticket = f", {waiver.ticket}" if waiver.ticket else ""
    text = f"{waiver.reason} ({waiver.name} of {waiver.owner}{ticket}, until {waiver.expires})"
    return [
        {
            "kind": "external",
            "status": "accepted",
            "justification": harmless(text),
            "location": {"physicalLocation": _physical(waiver.where)},
        }
    ]
