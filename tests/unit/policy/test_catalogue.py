"""Every built-in rule proves itself by its own examples, and every predicate is needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from reconciler.model.task import Task
from reconciler.policy.catalogue import BUILT_INS, BY_NAME
from reconciler.policy.evaluate import CompiledRule, RuleSet, Status, compile_rules, judge
from reconciler.policy.rule import (
    EXAMPLE_DAY,
    BuiltIn,
    Example,
    Finding,
    Predicate,
    Subject,
    example_task,
)
from tests.unit.policy.builders import policy

CASES = [
    pytest.param(rule, example, id=f"{rule.name}: {example.note}")
    for rule in BUILT_INS
    for example in rule.examples
]
PREDICATES = [
    pytest.param(rule, predicate, id=f"{rule.name}/{predicate.name}")
    for rule in BUILT_INS
    for predicate in rule.predicates
]


def compiled(rule: BuiltIn[Any], example: Example) -> CompiledRule:
    rules, problems = compile_rules([policy({"name": rule.name, "params": dict(example.params)})])
    assert not problems
    return replace(rules.rules[0], built_in=rule)


def outcome(rule: BuiltIn[Any], example: Example) -> str:
    task = example_task(example.task)
    rules = RuleSet((compiled(rule, example),))
    (verdict,) = judge(rules, task, Subject.of(task), EXAMPLE_DAY)
    if verdict.status is Status.PASS and verdict.findings:
        return "warn"
    return str(verdict.status)


@pytest.mark.parametrize(("rule", "example"), CASES)
def test_each_example_comes_out_as_it_says(rule: BuiltIn[Any], example: Example) -> None:
    assert outcome(rule, example) == example.outcome


@pytest.mark.parametrize("rule", BUILT_INS, ids=lambda rule: rule.name)
def test_each_rule_has_a_passing_and_a_failing_example(rule: BuiltIn[Any]) -> None:
    assert {"pass", "fail"} <= {example.outcome for example in rule.examples}


def inverted(predicate: Predicate[Any]) -> Predicate[Any]:
    def check(params: Any, task: Task, today: date) -> Iterator[Finding]:
        if not list(predicate.check(params, task, today)):
            yield Finding(("spec",), "inverted")

    return replace(predicate, check=check)


def silenced(predicate: Predicate[Any]) -> Predicate[Any]:
    return replace(predicate, check=lambda *_: ())


def with_predicate(rule: BuiltIn[Any], old: Predicate[Any], new: Predicate[Any]) -> BuiltIn[Any]:
    return replace(rule, predicates=tuple(new if p is old else p for p in rule.predicates))


@pytest.mark.parametrize("change", [inverted, silenced], ids=["inverted", "silenced"])
@pytest.mark.parametrize(("rule", "predicate"), PREDICATES)
def test_a_broken_predicate_is_caught_by_an_example(
    rule: BuiltIn[Any], predicate: Predicate[Any], change: Any
) -> None:
    broken = with_predicate(rule, predicate, change(predicate))
    assert any(outcome(broken, example) != example.outcome for example in rule.examples)


@pytest.mark.parametrize("rule", BUILT_INS, ids=lambda rule: rule.name)
def test_each_parameter_is_described(rule: BuiltIn[Any]) -> None:
    assert all(field.description for field in rule.params.model_fields.values())


def test_names_are_unique() -> None:
    assert len(BY_NAME) == len(BUILT_INS)
    names = [predicate.name for rule in BUILT_INS for predicate in rule.predicates]
    assert len(names) == len(set(names))
