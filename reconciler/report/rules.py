"""Policy rules for people and for scripts: the list of a workspace, and one rule explained."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.base.text import cut, harmless, plural, wrap
from reconciler.operations.auditing.audit_rows import spell_match
from reconciler.policy.catalogue import BUILT_INS
from reconciler.policy.evaluate import CompiledRule, RuleSet
from reconciler.policy.rule import BuiltIn, Example

FORMAT_VERSION = "1.0"


def rule_list_lines(rules: RuleSet, width: int) -> list[str]:
    """The output of `policy list`."""
    lines = [line for rule in rules.rules for line in _rule_lines(rule, width)]
    used = {rule.built_in.name for rule in rules.rules}
    spare = [rule.name for rule in BUILT_INS if rule.name not in used]
    lines += [""] * bool(lines and spare)
    if spare:
        lines += wrap("not used: " + ", ".join(spare), width, "  ")
    lines += wrap(
        f"{plural(len(rules.rules), 'rule')}; more about one: reconciler policy explain NAME", width
    )
    return lines


def _rule_lines(rule: CompiledRule, width: int) -> list[str]:
    name = rule.id if rule.id == rule.rule.name else f"{rule.id} ({rule.rule.name})"
    head = f"{name:<24}  {rule.severity:<8}  {rule.enforcement:<9}"
    place = f"{rule.where.file}:{rule.where.line}"
    lines = wrap(harmless(f"{head}  {place}"), width, "    ")
    lines += wrap("  " + rule.built_in.title, width, "  ")
    matched = spell_match(rule.rule.match)
    if matched != "every task":
        lines += wrap(harmless(f"  only {matched}"), width, "  ")
    return lines


def rule_list_json(rules: RuleSet) -> dict[str, Any]:
    """The output of `policy list -o json`."""
    return {"format_version": FORMAT_VERSION, "rules": [_rule_json(rule) for rule in rules.rules]}


def _rule_json(rule: CompiledRule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.rule.name,
        "title": rule.built_in.title,
        "severity": rule.severity,
        "enforcement": rule.enforcement,
        "where": {"file": rule.where.file, "line": rule.where.line, "column": rule.where.column},
        "match": rule.rule.match.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        "params": rule.params.model_dump(mode="json", by_alias=True),
        "controls": list(rule.controls),
    }


def rule_lines(rule: BuiltIn[Any], width: int) -> list[str]:
    """The output of `policy explain`: what it checks, its parameters, examples, the fix."""
    facts = f"severity {rule.severity}" + (
        f"; evidence for {', '.join(rule.controls)}" if rule.controls else ""
    )
    lines = wrap(f"{rule.name}: {rule.title}", width, "  ")
    lines += ["", *wrap("  " + rule.description, width, "  "), *wrap("  " + facts, width, "  ")]
    lines += ["", "It checks that"]
    for predicate in rule.predicates:
        lines += wrap(f"  {predicate.about} ({predicate.name})", width, "    ")
    lines += ["", "Parameters", *_parameter_lines(rule, width)]
    for outcome, title in (("pass", "Passes"), ("fail", "Fails")):
        example = next(item for item in rule.examples if item.outcome == outcome)
        lines += ["", *_example_lines(title, example)]
    return [*lines, "", *wrap(f"Fix: {rule.fix}", width, "  ")]


def rule_json(rule: BuiltIn[Any]) -> dict[str, Any]:
    """The output of `policy explain -o json`."""
    return {
        "format_version": FORMAT_VERSION,
        "name": rule.name,
        "title": rule.title,
        "description": rule.description,
        "severity": rule.severity,
        "controls": list(rule.controls),
        "predicates": [{"name": item.name, "about": item.about} for item in rule.predicates],
        "params": rule.params.model_json_schema(by_alias=True),
        "examples": [
            {
                "outcome": item.outcome,
                "note": item.note,
                "task": dict(item.task),
                "params": dict(item.params),
            }
            for item in rule.examples
        ],
        "fix": rule.fix,
    }


def _parameter_lines(rule: BuiltIn[Any], width: int) -> Iterable[str]:
    schema = rule.params.model_json_schema(by_alias=True)
    defaults = rule.params().model_dump(mode="json", by_alias=True)
    if not defaults:
        yield "  none"
    for name, default in defaults.items():
        field = schema["properties"][name]
        written = json.dumps(default, ensure_ascii=False)
        yield from wrap(f"  {name}: {field.get('description', '')}", width, "    ")
        yield from wrap(f"    {_kind(field)}, default {written}", width, "    ")


_KINDS = {
    "string": "text",
    "integer": "whole number",
    "boolean": "true or false",
    "array": "list",
    "object": "map",
}


def _kind(field: Mapping[str, Any]) -> str:
    """The kind of a parameter in words; lists with a fixed set of words name them."""
    if "items" in field and "enum" in field["items"]:
        return f"list of {', '.join(field['items']['enum'])}"
    choices = field.get("anyOf", [field])
    kinds = [_KINDS.get(choice.get("type", "object"), "null") for choice in choices]
    bounds = [f"{word} {field[key]}" for word, key in _BOUNDS if key in field]
    return cut(" or ".join(kinds) + (f" ({', '.join(bounds)})" if bounds else ""), 120)


_BOUNDS = (("at least", "minimum"), ("at most", "maximum"))


def _example_lines(title: str, example: Example) -> list[str]:
    lines = [f"{title} ({example.note})", *_yaml_lines(example.task, "  ")]
    if not example.task:
        lines.append("  # any task, without the fields this rule asks for")
    if example.params:
        lines += ["  # with these params in the policy", *_yaml_lines(example.params, "  ")]
    return lines


def _yaml_lines(value: Mapping[str, Any], indent: str) -> list[str]:
    """A map as YAML: maps in blocks, everything else in JSON, which is YAML as well."""
    lines: list[str] = []
    for key, item in value.items():
        if isinstance(item, Mapping) and item:
            lines += [f"{indent}{key}:", *_yaml_lines(item, indent + "  ")]
        else:
            lines.append(f"{indent}{key}: {json.dumps(item, ensure_ascii=False)}")
    return lines
