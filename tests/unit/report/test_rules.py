"""Rules for people: every built-in can be explained at any width."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from reconciler.policy.catalogue import BUILT_INS, BY_NAME
from reconciler.policy.evaluate import compile_rules
from reconciler.policy.rule import BuiltIn
from reconciler.report.rules import rule_json, rule_lines, rule_list_json, rule_list_lines
from tests.unit.policy.builders import policy

RULES, _ = compile_rules(
    [policy({"name": "ownership", "id": "OWN-1", "match": {"address": "contoso/*"}})]
)


@pytest.mark.parametrize("rule", BUILT_INS, ids=lambda rule: rule.name)
def test_an_explanation_names_predicates_parameters_and_examples(rule: BuiltIn[Any]) -> None:
    text = "\n".join(rule_lines(rule, 400))
    assert all(f"({predicate.name})" in text for predicate in rule.predicates)
    for name, field in rule.params.model_fields.items():
        assert f"  {field.alias or name}: {field.description}" in text
    assert "Passes (" in text
    assert "Fails (" in text


@pytest.mark.parametrize("rule", BUILT_INS, ids=lambda rule: rule.name)
def test_the_schema_of_parameters_accepts_their_defaults(rule: BuiltIn[Any]) -> None:
    defaults = rule.params().model_dump(mode="json", by_alias=True)
    jsonschema.validate(defaults, rule_json(rule)["params"])


def test_the_list_fits_a_narrow_terminal() -> None:
    assert max(map(len, rule_list_lines(RULES, 40))) <= 40


def test_the_list_shows_id_name_place_and_match() -> None:
    head, _title, match, *_ = rule_list_lines(RULES, 80)
    assert head.split() == ["OWN-1", "(ownership)", "medium", "mandatory", "policies/test.yaml:3"]
    assert match == "  only address contoso/*"


def test_the_list_names_rules_that_are_not_used() -> None:
    assert any(
        line.startswith("not used: identity-required") for line in rule_list_lines(RULES, 80)
    )


def test_the_json_list_has_every_fact_of_a_rule() -> None:
    content = rule_list_json(RULES)
    assert content["format_version"] == "1.0"
    (rule,) = content["rules"]
    assert (rule["id"], rule["name"], rule["severity"]) == ("OWN-1", "ownership", "medium")
    assert rule["match"] == {"address": "contoso/*"}
    assert rule["where"] == {"file": "policies/test.yaml", "line": 3, "column": 3}
    assert BY_NAME["ownership"].params.model_validate(rule["params"]) == RULES.rules[0].params
