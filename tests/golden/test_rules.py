"""The printed forms of `policy list` and `policy explain`."""

from __future__ import annotations

from pathlib import Path

from reconciler.policy.catalogue import BY_NAME
from reconciler.policy.evaluate import compile_rules
from reconciler.report.machine import to_text
from reconciler.report.rules import rule_lines, rule_list_json, rule_list_lines
from tests.golden.audit.scenario import RULES
from tests.golden.compare import check_golden
from tests.unit.policy.builders import policy

FOLDER = Path(__file__).parent / "policy"
COMPILED, _ = compile_rules([policy(*RULES, file="policies/default.yaml")])


def test_the_list_looks_as_before() -> None:
    check_golden(FOLDER / "list.txt", "\n".join(rule_list_lines(COMPILED, 80)) + "\n")


def test_the_json_list_looks_as_before() -> None:
    check_golden(FOLDER / "list.json", to_text(rule_list_json(COMPILED)) + "\n")


def test_an_explanation_looks_as_before() -> None:
    lines = rule_lines(BY_NAME["retention-range"], 80)
    check_golden(FOLDER / "explain.txt", "\n".join(lines) + "\n")
