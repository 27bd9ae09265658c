"""The shape of an audit report: frozen rows without any tie to files or machines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from reconciler.base.canonical import digest
from reconciler.base.diagnostics import Location

Form = Literal["declared", "live"]
Verdict = Literal["pass", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Population:
    """Which tasks exist. Names are addresses, sorted.

    `unmanaged` are live only, `missing` declared only. `differing` are live in another form than
    declared and were judged in both. `drifted` were changed live since they were last applied.
    `unreadable` are live and could not be judged.
    """

    declared: int
    live: int
    judged: int
    unmanaged: tuple[str, ...]
    missing: tuple[str, ...]
    differing: tuple[str, ...]
    drifted: tuple[str, ...]
    unreadable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule and how many tasks it passed. Not applicable is not a pass."""

    id: str
    name: str
    title: str
    severity: str
    enforcement: str
    where: Location
    controls: tuple[str, ...]
    passed: int
    failed: int
    waived: int
    not_applicable: int
    errors: int


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One thing wrong with one task. `where` is None for a live task."""

    severity: str
    address: str
    form: Form
    owner: str | None
    rule: str
    enforcement: str
    error: bool
    path: str
    where: Location | None
    message: str
    found: str | None
    allowed: str | None
    fix: str | None
    waiver: str | None = None


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """One judged form of one task: pass, fail, waived, not-applicable or error for each rule.

    `words` stand in the order of the report's rules.
    """

    address: str
    form: Form
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WaiverRow:
    """A waiver, where it stands on the day of the report, and the tasks it covers."""

    name: str
    rule: str
    state: str
    match: str
    owner: str
    approver: str | None
    reason: str
    ticket: str | None
    expires: date
    days_left: int
    where: Location
    covers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EventRow:
    """A safety rule that was set aside: when, which (`kind`), by whom, for what, and why.

    `kind` is lock-broken, limit-overridden, protection-overridden or apply-resumed; the reason of
    a resumed apply is how it had ended.
    """

    at: datetime
    kind: str
    actor: str
    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class InputDigests:
    """What the report was made from: equal digests, equal report."""

    specs: str
    live: str
    policies: str
    verdicts: str
    events: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The whole report. Equal inputs and equal `as_of` give equal reports."""

    as_of: datetime
    tool_version: str
    commit: str | None
    dirty: bool
    population: Population
    rules: tuple[RuleRow, ...]
    failures: tuple[FindingRow, ...]
    warnings: tuple[FindingRow, ...]
    waived: tuple[FindingRow, ...]
    waivers: tuple[WaiverRow, ...]
    inputs: InputDigests
    not_covered: tuple[str, ...]
    events: tuple[EventRow, ...] = ()
    verdicts: tuple[VerdictRow, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """fail: something blocks, or a live task could not be judged."""
        if self.failures or self.population.unreadable:
            return "fail"
        acts = any(waiver.state != "in-use" for waiver in self.waivers)
        return "warn" if self.warnings or acts else "pass"

    @property
    def id(self) -> str:
        """A short name that is equal for equal reports."""
        inputs = self.inputs
        parts = [self.as_of.isoformat(), self.commit]
        parts += [inputs.specs, inputs.live, inputs.policies, inputs.events]
        return f"R-{self.as_of:%Y%m%d}-{digest(parts)[7:15]}"
