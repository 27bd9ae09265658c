"""From policy documents to verdicts: rules are compiled once, then judge one task at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from pydantic import ValidationError

from reconciler.base.diagnostics import Diagnostic, Location
from reconciler.base.source import Located, Path, Source
from reconciler.base.text import did_you_mean, one_line
from reconciler.loader.explain import explain
from reconciler.model.common import Model
from reconciler.model.policy import Enforcement, Policy, Rule, RuleSeverity
from reconciler.model.task import Task
from reconciler.policy.catalogue import BY_NAME
from reconciler.policy.rule import BuiltIn, Finding, Predicate, Subject
from reconciler.policy.selector import Selector, compile_match

_ONE_DAY = timedelta(days=1)


class Status(StrEnum):
    """What a rule says of a task. Not applicable is never counted as passed."""

    PASS = "pass"  # noqa: S105  (a word, not a password)
    FAIL = "fail"
    NOT_APPLICABLE = "not-applicable"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule on one task. Findings of a passed rule are advice."""

    rule_id: str
    status: Status
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule as a policy document uses it, ready to judge. `dated` predicates look at the day."""

    id: str
    rule: Rule
    built_in: BuiltIn[Any]
    params: Model
    severity: RuleSeverity
    enforcement: Enforcement
    controls: tuple[str, ...]
    where: Location
    selects: Selector | None
    passed: Verdict
    not_applicable: Verdict
    dated: tuple[Predicate[Any], ...] = ()


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules of a workspace in the order of their files."""

    rules: tuple[CompiledRule, ...] = ()

    def get(self, rule_id: str) -> CompiledRule:
        """The rule of an id. Raises KeyError."""
        for rule in self.rules:
            if rule.id == rule_id:
                return rule
        raise KeyError(rule_id)


def compile_rules(policies: Sequence[Located[Policy]]) -> tuple[RuleSet, list[Diagnostic]]:
    """The rule set of all policies, and what is wrong with them.

    A wrong rule is left out of the set: a caller that gets errors must not go on to judge.
    """
    rules: dict[str, CompiledRule] = {}
    problems: list[Diagnostic] = []
    for located in policies:
        for index, rule in enumerate(located.value.rules):
            compiled = _compile(rule, located.source, ("rules", index))
            if isinstance(compiled, list):
                problems += compiled
            elif compiled.id in rules:
                problems.append(_duplicate(compiled, rules[compiled.id]))
            else:
                rules[compiled.id] = compiled
    return RuleSet(tuple(rules.values())), problems


def _compile(rule: Rule, source: Source, path: Path) -> CompiledRule | list[Diagnostic]:
    built_in = BY_NAME.get(rule.name)
    if built_in is None:
        return [_unknown(rule.name, source.locate((*path, "name")))]
    below = Source(source.file, source.line, lambda field: source.locate((*path, "params", *field)))
    try:
        params = built_in.params.model_validate(rule.params)
    except ValidationError as error:
        found = explain(error, built_in.params, rule.params, below, None)
        return [replace(item, rule=rule.identifier) for item in found]
    return CompiledRule(
        rule.identifier,
        rule,
        built_in,
        params,
        rule.severity or built_in.severity,
        rule.enforcement,
        tuple(dict.fromkeys((*built_in.controls, *rule.controls))),
        source.locate(path),
        compile_match(rule.match),
        Verdict(rule.identifier, Status.PASS),
        Verdict(rule.identifier, Status.NOT_APPLICABLE),
        tuple(one for one in built_in.predicates if one.turns is not None),
    )


def _unknown(name: str, place: Location) -> Diagnostic:
    near = did_you_mean(name, BY_NAME)
    return Diagnostic(
        f"there is no rule {one_line(repr(name), 80)}",
        place,
        code="unknown-rule",
        allowed=None if near else ", ".join(BY_NAME),
        fix=f"did you mean {near!r}?" if near else "see: reconciler policy list",
    )


def _duplicate(rule: CompiledRule, first: CompiledRule) -> Diagnostic:
    return Diagnostic(
        f"two rules have the id {rule.id}; the first is at {first.where}",
        rule.where,
        code="duplicate-rule",
        fix="give one of them an id of its own (id:)",
    )


def judge(rules: RuleSet, task: Task, subject: Subject, today: date) -> tuple[Verdict, ...]:
    """The verdict of every rule on one task, in the order of the rules."""
    return tuple([_judge(rule, task, subject, today) for rule in rules.rules])


def hold_until(rules: RuleSet, task: Task, verdicts: Sequence[Verdict], today: date) -> date:
    """The first day on which the verdicts of a task may be others; the last of days if none is."""
    ends = [
        _turns(rule, task, verdict, today)
        for rule, verdict in zip(rules.rules, verdicts, strict=True)
        if rule.dated and verdict is not rule.not_applicable
    ]
    return min(ends, default=date.max)


def _turns(rule: CompiledRule, task: Task, verdict: Verdict, today: date) -> date:
    if verdict.findings:
        return today + _ONE_DAY  # what is found says how many days are left, or gone
    days = [
        day
        for one in rule.dated
        if one.turns is not None and one.applies(rule.params, task)
        for day in one.turns(rule.params, task)
        if day > today
    ]
    return min(days, default=date.max)


def _judge(rule: CompiledRule, task: Task, subject: Subject, today: date) -> Verdict:
    try:
        if rule.selects is not None and not rule.selects(subject):
            return rule.not_applicable
        return _ask(rule, task, today)
    except Exception as error:  # noqa: BLE001  (a rule that breaks must close the gate, not open it)
        # Only the kind of error: its text could repeat a value of the task.
        message = f"the rule could not judge this task ({type(error).__name__})"
        fix = "this is a bug of the rule; the gate stays closed until it is mended or removed"
        return Verdict(rule.id, Status.ERROR, (Finding((), message, fix=fix),))


def _ask(rule: CompiledRule, task: Task, today: date) -> Verdict:
    params = rule.params
    findings: list[Finding] = []
    asked = False
    for predicate in rule.built_in.predicates:
        if predicate.applies(params, task):
            asked = True
            findings += predicate.check(params, task, today)
    if not asked:
        return rule.not_applicable
    if not findings:
        return rule.passed
    failed = not all(finding.advice for finding in findings)
    return Verdict(rule.id, Status.FAIL if failed else Status.PASS, tuple(findings))
