"""`report`: every declared and every live task, judged on one day, as one frozen report.

Judges through the policy floor and flattens the outcome; prints nothing and writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime

from reconciler import __version__
from reconciler.base.canonical import digest, digest_text
from reconciler.base.clock import to_iso
from reconciler.base.diagnostics import has_errors
from reconciler.base.errors import InvalidInput
from reconciler.base.source import Located, Source
from reconciler.base.text import plural
from reconciler.model.policy import Policy, Waiver
from reconciler.model.step import DockerTask
from reconciler.model.task import Task
from reconciler.operations.auditing.audit_report import (
    AuditReport,
    EventRow,
    InputDigests,
    Population,
)
from reconciler.operations.auditing.audit_rows import (
    finding_rows,
    rule_row,
    verdict_rows,
    waiver_row,
)
from reconciler.plan.normalise import canonical_document, document_hash
from reconciler.policy.evaluate import RuleSet, compile_rules
from reconciler.policy.rule import Subject
from reconciler.policy.waivers import PolicyResult, evaluate


@dataclass(slots=True)
class _Reading:
    """What is kept of the tasks while they stream by: digests and places, never the tasks."""

    live: Mapping[str, Task]
    declared: dict[str, str] = field(default_factory=dict)
    live_hashes: dict[str, str] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    without_docker_step: int = 0

    def subjects(self, declared: Iterable[Located[Task]]) -> Iterator[tuple[Task, Subject]]:
        """Declared tasks, and after each its live form if that differs; then the unmanaged."""
        for located in declared:
            task, address = located.value, located.value.address
            self.sources[address] = located.source
            self.declared[address] = document_hash(canonical_document(task))
            yield self._subject(task, live=False)
            if address in self.live and self._live_hash(address) != self.declared[address]:
                yield self._subject(self.live[address], live=True)
        for address in sorted(self.live.keys() - self.declared.keys()):
            self._live_hash(address)
            yield self._subject(self.live[address], live=True)

    def digest_of(self, subject: Subject) -> str:
        return (self.live_hashes if subject.live else self.declared)[subject.address]

    def _live_hash(self, address: str) -> str:
        found = document_hash(canonical_document(self.live[address]))
        self.live_hashes[address] = found
        return found

    def _subject(self, task: Task, *, live: bool) -> tuple[Task, Subject]:
        self.without_docker_step += not isinstance(task.spec.step, DockerTask)
        return task, Subject.of(task, live=live)


def audit(
    declared: Iterable[Located[Task]],
    live: Mapping[str, Task],
    *,
    policies: Sequence[Located[Policy]],
    waivers: Sequence[Located[Waiver]],
    as_of: datetime,
    commit: str | None,
    dirty: bool = False,
    drifted: Iterable[str] = (),
    unreadable: Iterable[str] = (),
    events: Iterable[EventRow] = (),
    tool_version: str = __version__,
) -> AuditReport:
    """Judge all tasks on the day of `as_of` (UTC). Raises InvalidInput if a policy is wrong.

    `drifted` are addresses changed live since they were last applied, `unreadable` live tasks
    whose document this version does not understand, `events` what went around a safety rule.
    """
    rules, problems = compile_rules(policies)
    if has_errors(problems):
        raise InvalidInput(problems)
    moment = as_of.astimezone(UTC)
    reading = _Reading(live)
    subjects = reading.subjects(declared)
    result = evaluate(rules, subjects, waivers, moment.date(), reading.digest_of)
    noted = tuple(sorted(events, key=_newest_first))
    return AuditReport(
        as_of=moment,
        tool_version=tool_version,
        commit=commit,
        dirty=dirty,
        population=_population(reading, result, drifted, unreadable),
        rules=tuple(rule_row(rule, result) for rule in rules.rules),
        failures=finding_rows(result.failures, reading.sources),
        warnings=finding_rows(result.warnings, reading.sources),
        waived=finding_rows(result.waived, reading.sources),
        waivers=tuple(waiver_row(use, moment.date()) for use in result.waivers),
        events=noted,
        inputs=_inputs(reading, policies, waivers, result, noted),
        not_covered=tuple(_not_covered(reading, rules)),
        verdicts=verdict_rows(result),
    )


def _population(
    reading: _Reading, result: PolicyResult, drifted: Iterable[str], unreadable: Iterable[str]
) -> Population:
    declared, live, lost = reading.declared, reading.live, tuple(sorted(unreadable))
    hashes = reading.live_hashes
    return Population(
        declared=len(declared),
        live=len(live) + len(lost),
        judged=result.judged,
        unmanaged=tuple(sorted((live.keys() | set(lost)) - declared.keys())),
        missing=tuple(sorted(declared.keys() - live.keys() - set(lost))),
        differing=tuple(sorted(a for a in declared if a in hashes and hashes[a] != declared[a])),
        drifted=tuple(sorted(drifted)),
        unreadable=lost,
    )


def _newest_first(row: EventRow) -> tuple[object, ...]:
    return -row.at.timestamp(), row.kind, row.subject, row.actor, row.reason


def _inputs(
    reading: _Reading,
    policies: Sequence[Located[Policy]],
    waivers: Sequence[Located[Waiver]],
    result: PolicyResult,
    events: Sequence[EventRow],
) -> InputDigests:
    documents = [
        located.value.model_dump(mode="json", by_alias=True) for located in [*policies, *waivers]
    ]
    return InputDigests(
        specs=_digest_of_lines(reading.declared),
        live=_digest_of_lines(reading.live_hashes),
        policies=digest(documents),
        verdicts=result.digest or "",
        events=digest([[to_iso(row.at), *astuple(row)[1:]] for row in events]),
    )


def _digest_of_lines(hashes: Mapping[str, str]) -> str:
    return digest_text("".join(f"{address} {hashes[address]}\n" for address in sorted(hashes)))


def _not_covered(reading: _Reading, rules: RuleSet) -> Iterator[str]:
    if not rules.rules:
        yield "No policy was found, so nothing was judged."
    yield (
        "One moment, not a period: of what was before, only the safety rules that were set aside "
        "are told."
    )
    yield (
        "Secrets cannot be read back: kinds, scopes and expiry dates of tokens are judged as the "
        "specs declare them."
    )
    if reading.without_docker_step:
        count = plural(reading.without_docker_step, "task")
        yield (
            f"Task files are read at run time: images and arguments inside the steps of {count} "
            "are not judged by every rule."
        )
    yield "Runs, plans and approvals are not part of this report."
