"""An audit report as Markdown for a comment or a job summary, outcome first. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.base.clock import to_iso
from reconciler.base.text import one_line, plural
from reconciler.operations.auditing.audit_report import (
    AuditReport,
    EventRow,
    FindingRow,
    RuleRow,
    WaiverRow,
)
from reconciler.report.inert import code, escape, fit
from reconciler.report.markdown import BUDGET

# Found again by whoever updates the comment in place.
MARKER = "<!-- reconciler report -->"
_VERDICTS = {"fail": "failed", "warn": "passed, with something to look at", "pass": "passed"}
# What each part may take at most, so that their sum stays under the budget.
_RULES, _NAMES, _WAIVERS, _WARNINGS, _WAIVED, _FAILURES = 8_000, 6_000, 6_000, 7_000, 5_000, 20_000
_EVENTS, _HEADINGS = 4_000, 3_000
_FINDINGS = _WARNINGS + _WAIVED + _FAILURES
assert _HEADINGS + _RULES + _NAMES + _WAIVERS + _EVENTS + _FINDINGS < BUDGET  # noqa: S101


def audit_markdown(report: AuditReport) -> str:
    """The output of `report -o markdown`, at most `BUDGET` characters; the rest is counted."""
    lines = [
        MARKER,
        *_summary(report),
        *_findings("Failures", report.failures, _FAILURES),
        *_findings("Warnings", report.warnings, _WARNINGS),
        *_findings("Waived", report.waived, _WAIVED),
        *_waivers(report),
        *_events(report),
        *_rules(report),
        *_names(report),
        *_end(report),
    ]
    return "\n".join(lines) + "\n"


def _summary(report: AuditReport) -> Iterator[str]:
    people = report.population
    counts = [
        plural(len(report.failures), "failure"),
        plural(len(report.warnings), "warning"),
        f"{len(report.waived):,} waived",
    ]
    if people.unreadable:
        counts.append(f"{plural(len(people.unreadable), 'task')} not judged")
    yield f"## Policy report: {_VERDICTS[report.verdict]}"
    yield ""
    yield f"**{', '.join(counts)}.** {_facts(report)}"
    yield ""
    yield "| declared | live | judged | unmanaged | missing | differing | drifted |"
    yield "|---:|---:|---:|---:|---:|---:|---:|"
    rest = (people.unmanaged, people.missing, people.differing, people.drifted)
    cells = [people.declared, people.live, people.judged, *map(len, rest)]
    yield f"| {' | '.join(f'{cell:,}' for cell in cells)} |"


def _facts(report: AuditReport) -> str:
    at = f", commit `{report.commit[:7]}`" if report.commit else ""
    dirty = " with changes that are not committed" if report.dirty else ""
    return f"Report `{report.id}` as of {to_iso(report.as_of)}{at}{dirty}."


def _part(title: str, count: int, lines: Iterable[str], room: int) -> Iterator[str]:
    """A heading and what fits under it; the lines that do not are counted."""
    if count:
        yield f"\n### {title} ({count:,})"
        shown, left_out = fit(lines, room)
        yield from shown
        if left_out:
            yield f"- and {left_out:,} more; see the JSON or HTML report"


def _findings(title: str, rows: Sequence[FindingRow], room: int) -> Iterator[str]:
    yield from _part(title, len(rows), map(_finding, rows), room)


def _finding(row: FindingRow) -> str:
    form = " (live)" if row.form == "live" else ""
    owner = escape(one_line(row.owner, 80)) if row.owner else "no owner"
    place = f" {code(str(row.where))}" if row.where else ""
    head = f"- **{row.severity}** {code(row.address)}{form} {code(row.rule, 80)}{place}, {owner}"
    facts = [("found", row.found), ("allowed", row.allowed), ("waived by", row.waiver)]
    told = [f"{label} {code(text, 120)}" for label, text in facts if text is not None]
    if row.fix and not row.waiver:
        told.append(f"fix: {escape(one_line(row.fix, 300))}")
    return f"{head}\n  - {'; '.join([escape(one_line(row.message, 300)), *told])}"


def _waivers(report: AuditReport) -> Iterator[str]:
    """Those that somebody must act on come first."""
    ranked = sorted(report.waivers, key=lambda row: row.state == "in-use")
    yield from _part("Waivers", len(ranked), map(_waiver, ranked), _WAIVERS)


def _waiver(row: WaiverRow) -> str:
    ticket = f", {escape(one_line(row.ticket, 80))}" if row.ticket else ""
    return (
        f"- **{row.state}** {code(row.name, 80)} of {code(row.rule, 80)}, until {row.expires}, "
        f"{escape(one_line(row.owner, 80))}{ticket}: {escape(one_line(row.reason, 200))}"
    )


def _events(report: AuditReport) -> Iterator[str]:
    yield from _part(
        "Safety rules set aside", len(report.events), map(_event, report.events), _EVENTS
    )


def _event(row: EventRow) -> str:
    reason = f": {escape(one_line(row.reason, 200))}" if row.reason else ""
    return (
        f"- {to_iso(row.at)} **{row.kind}** by {escape(one_line(row.actor, 80))}, "
        f"{code(row.subject, 160)}{reason}"
    )


def _rules(report: AuditReport) -> Iterator[str]:
    if not report.rules:
        return
    yield f"\n### Rules ({len(report.rules)})"
    yield "| rule | severity | enforcement | pass | fail | waived | not applicable | error |"
    yield "|---|---|---|---:|---:|---:|---:|---:|"
    shown, left_out = fit(map(_rule, report.rules), _RULES)
    yield from shown
    if left_out:
        yield f"\n{plural(left_out, 'rule')} left out here; see the JSON or HTML report."


def _rule(row: RuleRow) -> str:
    counts = (row.passed, row.failed, row.waived, row.not_applicable, row.errors)
    name = code(row.id, 80).replace("|", "\\|")
    numbers = " | ".join(f"{count:,}" for count in counts)
    return f"| {name} | {row.severity} | {row.enforcement} | {numbers} |"


def _names(report: AuditReport) -> Iterator[str]:
    """The tasks that somebody should look at, by name."""
    people = report.population
    parts = (
        ("Not judged: damaged, or of a newer version", people.unreadable),
        ("Unmanaged: live, not declared", people.unmanaged),
        ("Missing: declared, not live", people.missing),
        ("Drifted: changed live since the last apply", people.drifted),
    )
    for title, names in parts:
        yield from _part(title, len(names), (f"- {code(name)}" for name in names), _NAMES // 4)


def _end(report: AuditReport) -> Iterator[str]:
    yield "\n### Not covered"
    yield from (f"- {escape(text)}" for text in report.not_covered)
    yield f"\nInputs: specs `{report.inputs.specs}`, live `{report.inputs.live}`,"
    yield f"policies `{report.inputs.policies}`, verdicts `{report.inputs.verdicts}`,"
    yield f"safety rules set aside `{report.inputs.events}`."
