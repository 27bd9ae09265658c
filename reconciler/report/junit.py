"""An audit report as JUnit XML: one suite for each rule, one case for each judged task.

Decides nothing. Valid by the schema of Ant's JUnit task, the strictest of those in use; therefore
also the empty elements. Nothing was timed, so every time is 0.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC
from xml.sax.saxutils import escape, quoteattr

from reconciler.base.text import harmless, plural
from reconciler.operations.auditing.audit_report import AuditReport, FindingRow, RuleRow, VerdictRow

_READABLE = "live-task-readable"
_NO_XML = re.compile("[\ufffe\uffff]")
_Findings = Mapping[tuple[str, str, str], Sequence[FindingRow]]


def audit_junit(report: AuditReport) -> str:
    """The output of `report -o junit`: the same bytes for the same report.

    Only what blocks is a failure or an error. What is waived, does not apply or is only advised is
    skipped and says so.
    """
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>"]
    suites = [*_rules(report), *_unreadable(report)]
    for number, suite in enumerate(suites):
        lines += suite.lines(number, f"{report.as_of.astimezone(UTC):%Y-%m-%dT%H:%M:%S}")
    return "\n".join([*lines, "</testsuites>", ""])


class _Suite:
    """One suite: its cases as XML, and how many of each kind there are."""

    def __init__(self, name: str, properties: Iterable[tuple[str, str]], told: str = "") -> None:
        self._name, self._properties, self._told = name, properties, told
        self._counts: Counter[str] = Counter()
        self._cases: list[str] = []

    def add(
        self, task: str, element: str | None, kind: str = "", message: str = "", body: str = ""
    ) -> None:
        """A case; `element` is failure, error, skipped, or None if it passed."""
        start = f'    <testcase name={_quote(task)} classname={_quote(self._name)} time="0"'
        self._counts[element or "passed"] += 1
        if element is None:
            self._cases.append(f"{start}/>")
            return
        opened = f"<{element} type={_quote(kind)} message={_quote(message)}>"
        told = f"      {opened}{escape(_legal(body))}</{element}>"
        self._cases += [f"{start}>", told, "    </testcase>"]

    def lines(self, number: int, timestamp: str) -> Iterator[str]:
        count = self._counts
        yield (
            f'  <testsuite name={_quote(self._name)} package="reconciler.policy" id="{number}"'
            f' timestamp="{timestamp}" hostname="localhost" tests="{count.total()}"'
            f' failures="{count["failure"]}" errors="{count["error"]}"'
            f' skipped="{count["skipped"]}" time="0">'
        )
        yield "    <properties>"
        for name, value in self._properties:
            yield f"      <property name={_quote(name)} value={_quote(value)}/>"
        yield "    </properties>"
        yield from self._cases
        yield f"    <system-out>{escape(_legal(self._told))}</system-out>"
        yield "    <system-err></system-err>"
        yield "  </testsuite>"


def _rules(report: AuditReport) -> Iterator[_Suite]:
    wrong = _by_case(report)
    advice = _advice(report)
    for number, rule in enumerate(report.rules):
        suite = _Suite(rule.id, _properties(rule), "\n".join(advice.get(rule.id, ())))
        for row in report.verdicts:
            case = (rule.id, row.address, row.form)
            _judged(suite, rule, row, row.words[number], wrong.get(case, ()))
        yield suite


def _by_case(report: AuditReport) -> _Findings:
    found: defaultdict[tuple[str, str, str], list[FindingRow]] = defaultdict(list)
    for row in (*report.failures, *report.warnings, *report.waived):
        found[row.rule, row.address, row.form].append(row)
    return found


def _advice(report: AuditReport) -> dict[str, list[str]]:
    """Every warning of a rule: advice on a task that passes has no case to stand in."""
    told: dict[str, list[str]] = {}
    for row in report.warnings:
        told.setdefault(row.rule, []).append(f"warning: {row.address}: {_tell(row)}")
    return told


def _properties(rule: RuleRow) -> list[tuple[str, str]]:
    found = [
        ("rule", rule.name),
        ("title", rule.title),
        ("severity", rule.severity),
        ("enforcement", rule.enforcement),
        ("policy", str(rule.where)),
    ]
    return [*found, *(("control", control) for control in rule.controls)]


def _judged(
    suite: _Suite, rule: RuleRow, row: VerdictRow, word: str, findings: Sequence[FindingRow]
) -> None:
    task = f"{row.address} (live)" if row.form == "live" else row.address
    message = "; ".join(finding.message for finding in findings)
    body = "\n".join(_tell(finding) for finding in findings)
    if word == "pass":
        suite.add(task, None)
    elif word == "error":
        suite.add(task, "error", "rule-broke", message, body)
    elif word == "fail" and rule.enforcement == "mandatory":
        suite.add(task, "failure", rule.severity, message, body)
    elif word == "fail":
        suite.add(task, "skipped", "advisory", f"warning: {message}", body)
    elif word == "waived":
        names = ", ".join(sorted({finding.waiver or "" for finding in findings}))
        suite.add(task, "skipped", "waived", f"waived by {names}: {message}", body)
    else:
        suite.add(task, "skipped", word, word.replace("-", " "))


def _tell(row: FindingRow) -> str:
    place = f"{row.where}: " if row.where else ""
    facts = [("found", row.found), ("allowed", row.allowed), ("fix", row.fix)]
    rest = [f"{label}: {text}" for label, text in facts if text is not None]
    return "; ".join([f"{place}{row.message}", *rest])


def _unreadable(report: AuditReport) -> Iterator[_Suite]:
    """Live tasks that could not be judged: they fail the report, so they fail here as well."""
    lost = report.population.unreadable
    if lost:
        suite = _Suite(_READABLE, (), f"{plural(len(lost), 'live task')} not judged")
        for address in lost:
            suite.add(address, "error", "unreadable", "damaged, or of a newer version")
        yield suite


def _legal(text: str) -> str:
    """Text that XML 1.0 may hold, and that does nothing to a terminal."""
    return _NO_XML.sub("\ufffd", harmless(text))


def _quote(text: str) -> str:
    return quoteattr(" ".join(_legal(text).split()))
