"""Verdicts and waivers to one result: what fails, what only warns, what is waived, and by whom."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from reconciler.base.diagnostics import Diagnostic, Severity
from reconciler.base.source import Located
from reconciler.base.text import did_you_mean
from reconciler.model.policy import Waiver
from reconciler.model.task import Task
from reconciler.policy.evaluate import CompiledRule, RuleSet, Status, Verdict, judge
from reconciler.policy.rule import Finding, Subject
from reconciler.policy.selector import Selector, compile_match

ENDING_DAYS = 14


class WaiverState(StrEnum):
    """Where a waiver stands on the day of the check."""

    IN_USE = "in-use"
    ENDING = "ending"
    EXPIRED = "expired"
    UNUSED = "unused"


@dataclass(frozen=True, slots=True)
class Failure:
    """A task that fails a rule, or that a rule has advice for.

    `waiver` covers it. `expired` are waivers that did until they ended.
    """

    subject: Subject
    rule: CompiledRule
    status: Status
    findings: tuple[Finding, ...]
    waiver: WaiverUse | None = None
    expired: tuple[WaiverUse, ...] = ()


@dataclass(slots=True)
class WaiverUse:
    """A waiver, what it covers, and where it stands. Complete once every task was judged."""

    located: Located[Waiver]
    name: str
    valid: bool
    ending: bool
    selects: Selector | None
    covers: list[tuple[str, str]] = field(default_factory=list)

    @property
    def waiver(self) -> Waiver:
        """The document."""
        return self.located.value

    @property
    def state(self) -> WaiverState:
        """Expired comes first, then unused: an expired waiver that matches nothing is expired."""
        if not self.valid:
            return WaiverState.EXPIRED
        if not self.covers:
            return WaiverState.UNUSED
        return WaiverState.ENDING if self.ending else WaiverState.IN_USE

    def concerns(self, subject: Subject, rule: CompiledRule) -> bool:
        """True if it names the rule (by id or by name) and the task."""
        named = self.waiver.rule in {rule.id, rule.rule.name}
        return named and (self.selects is None or self.selects(subject))


@dataclass(frozen=True, slots=True)
class Judged:
    """One subject and the word each rule counts it under, in the order of the rules."""

    address: str
    live: bool
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """All verdicts of one flow.

    `failures` block. `warnings` are failures of advisory rules and advice. `counts` are
    per rule id: pass, fail, waived, not-applicable, error. `digest` is over the sorted list of
    (address, spec digest, verdicts), so that counts can be proved later, and `verdicts` are that
    list without the digests; None and empty if not asked for.
    """

    judged: int
    failures: tuple[Failure, ...]
    warnings: tuple[Failure, ...]
    waived: tuple[Failure, ...]
    waivers: tuple[WaiverUse, ...]
    counts: dict[str, Counter[str]]
    digest: str | None = None
    verdicts: tuple[Judged, ...] = ()

    @property
    def blocked(self) -> bool:
        """True if a mandatory rule failed, or any rule broke, and no valid waiver covers it."""
        return bool(self.failures)

    def waivers_in(self, *states: WaiverState) -> tuple[WaiverUse, ...]:
        """The waivers in one of some states."""
        return tuple(use for use in self.waivers if use.state in states)


def evaluate(
    rules: RuleSet,
    subjects: Iterable[tuple[Task, Subject]],
    waivers: Sequence[Located[Waiver]],
    today: date,
    spec_digest: Callable[[Subject], str] | None = None,
) -> PolicyResult:
    """Judge every task, one at a time, and apply the waivers.

    With `spec_digest`, the result carries the digest of all verdicts.
    """
    tally = Tally(rules, waivers, today, spec_digest)
    for task, subject in subjects:
        tally.add(subject, judge(rules, task, subject, today))
    return tally.result()


def _use(located: Located[Waiver], today: date) -> WaiverUse:
    waiver, source = located.value, located.source
    return WaiverUse(
        located,
        waiver.id or f"{source.file}:{source.line}",
        waiver.valid_on(today),
        (waiver.expires - today).days <= ENDING_DAYS,
        compile_match(waiver.match),
    )


class Tally:
    """Counts verdicts while subjects stream by; holds what fails and nothing of what passes.

    With `spec_digest`, the result carries the digest of all verdicts.
    """

    def __init__(
        self,
        rules: RuleSet,
        waivers: Sequence[Located[Waiver]],
        today: date,
        spec_digest: Callable[[Subject], str] | None = None,
    ) -> None:
        self._rules = {rule.id: rule for rule in rules.rules}
        self._waivers = [_use(located, today) for located in waivers]
        self._spec_digest = spec_digest
        self._counts = {rule.id: Counter[str]() for rule in rules.rules}
        self._failures: list[Failure] = []
        self._warnings: list[Failure] = []
        self._waived: list[Failure] = []
        self._lines: list[str] = []
        self._verdicts: list[Judged] = []
        self._shared: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._plain = Counter[tuple[str, ...]]()
        self._judged = 0

    def add(self, subject: Subject, verdicts: tuple[Verdict, ...]) -> None:
        """Count the verdicts of one subject, and put its findings where they belong."""
        self._judged += 1
        words = tuple([self._file(subject, verdict) for verdict in verdicts])
        spec_digest = self._spec_digest
        if spec_digest is not None:
            # Most tasks have the same words: ten thousand of them share a few lists.
            words = self._shared.setdefault(words, words)
            self._verdicts.append(Judged(subject.address, subject.live, words))
            told = " ".join(f"{v.rule_id}={w}" for v, w in zip(verdicts, words, strict=True))
            form = "live" if subject.live else "spec"
            self._lines.append(f"{subject.address} {form} {spec_digest(subject)} {told}\n")

    def _file(self, subject: Subject, verdict: Verdict) -> str:
        """Put a verdict where it belongs; the word it is counted under."""
        word = str(verdict.status)
        if verdict.findings:
            word = self._file_findings(subject, self._rules[verdict.rule_id], verdict)
        self._counts[verdict.rule_id][word] += 1
        return word

    def _file_findings(self, subject: Subject, rule: CompiledRule, verdict: Verdict) -> str:
        status, findings = verdict.status, verdict.findings
        advice = tuple(item for item in findings if item.advice)
        if advice:
            self._warnings.append(Failure(subject, rule, Status.PASS, advice))
        if status is Status.PASS:
            return str(status)
        wrong = tuple(item for item in findings if not item.advice)
        concerned = [use for use in self._waivers if use.concerns(subject, rule)]
        valid = [use for use in concerned if use.valid and status is Status.FAIL]
        if valid:
            # Every valid one is used: none of them may be called unused.
            for use in valid:
                use.covers.append((subject.address, rule.id))
            self._waived.append(Failure(subject, rule, status, wrong, valid[0]))
            return "waived"
        expired = tuple(use for use in concerned if not use.valid)
        mandatory = rule.enforcement == "mandatory" or status is Status.ERROR
        failures = self._failures if mandatory else self._warnings
        failures.append(Failure(subject, rule, status, wrong, None, expired))
        return str(status)

    def add_plain(self, words: tuple[str, ...]) -> None:
        """Count a subject whose verdicts have no findings, by its words, one for each rule."""
        self._judged += 1
        self._plain[words] += 1

    def result(self) -> PolicyResult:
        """What all subjects together come to."""
        for words, number in self._plain.items():
            for rule_id, word in zip(self._counts, words, strict=True):
                self._counts[rule_id][word] += number
        self._plain.clear()
        with_digest = self._spec_digest is not None
        content = "".join(sorted(self._lines)).encode("utf-8", "surrogatepass")
        return PolicyResult(
            self._judged,
            tuple(self._failures),
            tuple(self._warnings),
            tuple(self._waived),
            tuple(self._waivers),
            self._counts,
            "sha256:" + hashlib.sha256(content).hexdigest() if with_digest else None,
            tuple(self._verdicts),
        )


def check_waivers(waivers: Sequence[Located[Waiver]], rules: RuleSet) -> list[Diagnostic]:
    """Two waivers with one id (error), and waivers of a rule that no policy uses (warning)."""
    known = {word for rule in rules.rules for word in (rule.id, rule.rule.name)}
    seen: dict[str, Located[Waiver]] = {}
    problems = []
    for located in waivers:
        waiver, source = located.value, located.source
        if waiver.id is not None and seen.setdefault(waiver.id, located) is not located:
            first = seen[waiver.id].source.locate(("id",))
            message = f"two waivers have the id {waiver.id}; the first is at {first}"
            problems.append(Diagnostic(message, source.locate(("id",)), code="duplicate-waiver"))
        if waiver.rule not in known:
            near = did_you_mean(waiver.rule, known)
            problems.append(
                Diagnostic(
                    f"the waiver names the rule {waiver.rule}, which no policy uses",
                    source.locate(("rule",)),
                    Severity.WARNING,
                    code="waiver-without-rule",
                    fix=f"did you mean {near!r}?" if near else "remove the waiver",
                )
            )
    return problems
