"""A policy result told as diagnostics: the field, what was found, what is allowed, the fix."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from reconciler.base.diagnostics import Diagnostic, Location, Severity
from reconciler.base.source import Source
from reconciler.base.text import one_line, plural
from reconciler.policy.rule import Finding
from reconciler.policy.waivers import Failure, PolicyResult, WaiverState, WaiverUse

Sources = Callable[[str], Source | None] | Mapping[str, Source]


def to_diagnostics(result: PolicyResult, sources: Sources) -> list[Diagnostic]:
    """Every failure, warning and waiver that needs a look, in the order of judging.

    `sources` gives the document of an address; a live task has none, and so no place. Waivers
    that are in use give a note, those about to end, expired or unused a warning.
    """
    find = sources.get if isinstance(sources, Mapping) else sources
    found = [item for failure in result.failures for item in _tell(failure, find, Severity.ERROR)]
    found += [
        item for failure in result.warnings for item in _tell(failure, find, Severity.WARNING)
    ]
    found += [item for use in result.waivers for item in tell_waiver(use)]
    return found


def place_of(failure: Failure, finding: Finding, source: Source | None) -> Location | None:
    """The field of a finding in the task's document; None for a live task."""
    return None if source is None or failure.subject.live else source.locate(finding.path)


def message_of(failure: Failure, finding: Finding) -> str:
    """The policy's own words if it has any, else the rule's; and which waiver has expired."""
    words = failure.rule.rule.message or finding.message
    ended = [f"waiver {use.name} expired on {use.waiver.expires}" for use in failure.expired]
    return f"{words} ({'; '.join(ended)})" if ended else words


def fix_of(failure: Failure, finding: Finding) -> str | None:
    """The policy's remediation if it has one, else the finding's, else the rule's."""
    return failure.rule.rule.remediation or finding.fix or failure.rule.built_in.fix


def _tell(
    failure: Failure, find: Callable[[str], Source | None], severity: Severity
) -> Iterator[Diagnostic]:
    rule, address = failure.rule, failure.subject.address
    for finding in failure.findings:
        yield Diagnostic(
            message_of(failure, finding),
            place_of(failure, finding, find(address)),
            severity,
            "policy",
            address + (" (live)" if failure.subject.live else ""),
            f"{rule.id} ({rule.where.file}:{rule.where.line})",
            one_line(finding.found, 120) if finding.found is not None else None,
            finding.allowed,
            fix_of(failure, finding),
        )


_TOLD = {
    WaiverState.ENDING: "ends soon: {covered} until {end}",
    WaiverState.EXPIRED: "expired on {end}",
    WaiverState.UNUSED: "covers no failure (valid until {end})",
}


def tell_waiver(use: WaiverUse) -> Iterator[Diagnostic]:
    """What to say of a waiver: a note if it is in use, a warning if somebody must act."""
    state, place = use.state, use.located.source.locate(("expires",))
    covered = plural(len(use.covers), "failure")
    if state is WaiverState.IN_USE:
        verb = "is" if len(use.covers) == 1 else "are"
        message = f"{covered} {verb} waived until {use.waiver.expires} ({use.name})"
        yield Diagnostic(message, place, Severity.NOTE, "waived", rule=use.waiver.rule)
        return
    words = _TOLD[state].format(covered=covered + " waived", end=use.waiver.expires)
    fix = "remove it" if state is WaiverState.UNUSED else "mend the failure, or ask for a new one"
    message = f"waiver {use.name} {words}"
    yield Diagnostic(message, place, Severity.WARNING, "waiver", rule=use.waiver.rule, fix=fix)
