"""From policy results to the rows of an audit report: flattened, located, in a stable order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from reconciler.base.source import Source, spell_path
from reconciler.model.common import Match
from reconciler.operations.auditing.audit_report import FindingRow, RuleRow, VerdictRow, WaiverRow
from reconciler.policy.diagnose import fix_of, message_of, place_of
from reconciler.policy.evaluate import CompiledRule
from reconciler.policy.waivers import Failure, PolicyResult, WaiverUse

_SEVERITIES = ("critical", "high", "medium", "low")


def rule_row(rule: CompiledRule, result: PolicyResult) -> RuleRow:
    """A rule and its counts."""
    counts = result.counts[rule.id]
    return RuleRow(
        rule.id,
        rule.rule.name,
        rule.built_in.title,
        rule.severity,
        rule.enforcement,
        rule.where,
        rule.controls,
        counts["pass"],
        counts["fail"],
        counts["waived"],
        counts["not-applicable"],
        counts["error"],
    )


def finding_rows(
    failures: Iterable[Failure], sources: Mapping[str, Source]
) -> tuple[FindingRow, ...]:
    """One row for each finding, the worst first, then by address."""
    rows = [row for failure in failures for row in _rows_of(failure, sources)]
    return tuple(sorted(rows, key=_order))


def _order(row: FindingRow) -> tuple[object, ...]:
    return _SEVERITIES.index(row.severity), row.address, row.form, row.rule, row.path, row.message


def _rows_of(failure: Failure, sources: Mapping[str, Source]) -> Iterator[FindingRow]:
    subject, rule = failure.subject, failure.rule
    for finding in failure.findings:
        yield FindingRow(
            severity=rule.severity,
            address=subject.address,
            form="live" if subject.live else "declared",
            owner=subject.owner,
            rule=rule.id,
            enforcement=rule.enforcement,
            error=failure.status == "error",
            path=spell_path(finding.path),
            where=place_of(failure, finding, sources.get(subject.address)),
            message=message_of(failure, finding),
            found=finding.found,
            allowed=finding.allowed,
            fix=fix_of(failure, finding),
            waiver=failure.waiver.name if failure.waiver else None,
        )


def verdict_rows(result: PolicyResult) -> tuple[VerdictRow, ...]:
    """One row for each judged form, by address, the declared one first."""
    ranked = sorted(result.verdicts, key=lambda one: (one.address, one.live))
    return tuple(
        VerdictRow(one.address, "live" if one.live else "declared", one.words) for one in ranked
    )


def waiver_row(use: WaiverUse, today: date) -> WaiverRow:
    """A waiver and where it stands."""
    waiver = use.waiver
    return WaiverRow(
        use.name,
        waiver.rule,
        str(use.state),
        spell_match(waiver.match),
        waiver.owner,
        waiver.approver,
        waiver.reason,
        waiver.ticket,
        waiver.expires,
        (waiver.expires - today).days,
        use.located.source.locate(()),
        tuple(sorted({address for address, _rule in use.covers})),
    )


def spell_match(match: Match) -> str:
    """A selector in words: `address contoso/web-*, label tier=prod`; `every task` if empty."""
    words = [
        f"{name} {value}"
        for name in ("address", "owner", "registry")
        if (value := getattr(match, name)) is not None
    ]
    words += [f"label {key}={value}" for key, value in sorted(match.labels.items())]
    return ", ".join(words) or "every task"
