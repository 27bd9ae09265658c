"""`report`: every declared and every live task, judged on one day, as one frozen report.

Judges through the policy floor and flattens the outcome; prints nothing and writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from reconciler import __version__
from reconciler.base.canonical import digest, digest_text
from reconciler.base.diagnostics import Diagnostic, Severity, has_errors
from reconciler.base.errors import InvalidInput
from reconciler.base.source import Located, Source
from reconciler.base.text import plural
from reconciler.loader.policies import POLICY_FOLDER
from reconciler.loader.specs import SPEC_FOLDER
from reconciler.loader.workspace import WORKSPACE_FILE
from reconciler.model.policy import Policy, Waiver
from reconciler.model.step import DockerTask
from reconciler.model.task import Task
from reconciler.operations.audit_report import AuditReport, InputDigests, Population
from reconciler.operations.audit_rows import finding_rows, rule_row, verdict_rows, waiver_row
from reconciler.operations.gather import Stores, read_declared, read_policies, read_stores
from reconciler.operations.validate import load_rules
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.build import Stored
from reconciler.plan.normalise import canonical_document, document_hash, stored_document
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

    def subjects(self, declared: Iterable[Located[Task]]) -> Iterator[Subject]:
        """Declared tasks, and after each its live form if that differs; then the unmanaged."""
        for located in declared:
            task, address = located.value, located.value.address
            self.sources[address] = located.source
            self.declared[address] = document_hash(canonical_document(task))
            yield self._subject(task, address, live=False)
            if address in self.live and self._live_hash(address) != self.declared[address]:
                yield self._subject(self.live[address], address, live=True)
        for address in sorted(self.live.keys() - self.declared.keys()):
            self._live_hash(address)
            yield self._subject(self.live[address], address, live=True)

    def digest_of(self, subject: Subject) -> str:
        return (self.live_hashes if subject.live else self.declared)[subject.address]

    def _live_hash(self, address: str) -> str:
        found = document_hash(canonical_document(self.live[address]))
        self.live_hashes[address] = found
        return found

    def _subject(self, task: Task, address: str, *, live: bool) -> Subject:
        self.without_docker_step += not isinstance(task.spec.step, DockerTask)
        return Subject(task, address, live)


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
    tool_version: str = __version__,
) -> AuditReport:
    """Judge all tasks on the day of `as_of` (UTC). Raises InvalidInput if a policy is wrong.

    `drifted` are addresses changed live since they were last applied, `unreadable` live tasks
    whose document this version does not understand.
    """
    rules, problems = compile_rules(policies)
    if has_errors(problems):
        raise InvalidInput(problems)
    moment = as_of.astimezone(UTC)
    reading = _Reading(live)
    subjects = reading.subjects(declared)
    result = evaluate(rules, subjects, waivers, moment.date(), reading.digest_of)
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
        inputs=_inputs(reading, policies, waivers, result),
        not_covered=tuple(_not_covered(reading, rules)),
        verdicts=verdict_rows(result),
    )


def audit_workspace(opened: OpenWorkspace, as_of: datetime) -> AuditReport:
    """The report of a workspace as it is now, judged on the day of `as_of`.

    Raises InvalidInput if specs or policies are wrong, StateUnusable.
    """
    from reconciler.adapters.git import changed_files, head_of  # noqa: PLC0415  (late: GitPython)

    policies, stores, declared = read_policies(opened), read_stores(opened), read_declared(opened)
    _refuse(load_rules(policies)[1])
    live, unreadable = _live_tasks(stores)
    head = head_of(opened.root)
    report = audit(
        declared.tasks(),
        live,
        policies=policies.policies,
        waivers=policies.waivers,
        as_of=as_of,
        commit=head.commit if head else None,
        dirty=_is_dirty(changed_files(opened.root)) if head else False,
        drifted=_drifted(stores),
        unreadable=unreadable,
    )
    _refuse(declared.diagnostics)  # complete only now that every spec was read
    return report


def _drifted(stores: Stores) -> list[str]:
    """Addresses whose live task is not what was last applied, or is gone."""
    return [
        address
        for address, applied in stores.applied.items()
        if not _is_same(applied.document, stores.live.get(address))
    ]


def _is_same(applied: str, live: Stored | None) -> bool:
    if live is None or live.document == applied:
        return live is not None
    try:
        return stored_document(live.document) == stored_document(applied)
    except ValueError:
        return False


def _is_dirty(files: Iterable[str]) -> bool:
    """True if what is judged is not what is committed; a report that lies beside does not count."""
    folders = (SPEC_FOLDER + "/", POLICY_FOLDER + "/")
    return any(file.startswith(folders) or file == WORKSPACE_FILE for file in files)


def _refuse(problems: Sequence[Diagnostic]) -> None:
    if has_errors(problems):
        raise InvalidInput([item for item in problems if item.severity is Severity.ERROR])


def _live_tasks(stores: Stores) -> tuple[dict[str, Task], list[str]]:
    """Live tasks by address, and the addresses of those that cannot be understood."""
    live: dict[str, Task] = {}
    unreadable: list[str] = []
    for address, stored in stores.live.items():
        try:
            live[address] = Task.model_validate_json(stored.document)
        except ValidationError:
            unreadable.append(address)
    return live, unreadable


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


def _inputs(
    reading: _Reading,
    policies: Sequence[Located[Policy]],
    waivers: Sequence[Located[Waiver]],
    result: PolicyResult,
) -> InputDigests:
    documents = [
        located.value.model_dump(mode="json", by_alias=True) for located in [*policies, *waivers]
    ]
    return InputDigests(
        specs=_digest_of_lines(reading.declared),
        live=_digest_of_lines(reading.live_hashes),
        policies=digest(documents),
        verdicts=result.digest or "",
    )


def _digest_of_lines(hashes: Mapping[str, str]) -> str:
    return digest_text("".join(f"{address} {hashes[address]}\n" for address in sorted(hashes)))


def _not_covered(reading: _Reading, rules: RuleSet) -> Iterator[str]:
    if not rules.rules:
        yield "No policy was found, so nothing was judged."
    yield "One moment, not a period: what was true before or after is not told."
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


def save_report(path: Path, text: str) -> None:
    """Write a report so that a reader sees the old one or the new one, never half. OSError."""
    from reconciler.adapters.files import write_whole  # noqa: PLC0415  (late: not for --help)

    write_whole(path, text.encode())
