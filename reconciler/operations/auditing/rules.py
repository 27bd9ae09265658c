"""`policy list` and `policy explain`: the rules of a workspace, and the built-in ones."""

from __future__ import annotations

from typing import Any

from reconciler.base.diagnostics import Severity
from reconciler.base.errors import InvalidInput, WrongUsage
from reconciler.base.text import did_you_mean
from reconciler.operations.reading.gather import read_policies
from reconciler.operations.reading.validate import load_rules
from reconciler.operations.workspace import OpenWorkspace
from reconciler.policy.catalogue import BY_NAME
from reconciler.policy.evaluate import RuleSet
from reconciler.policy.rule import BuiltIn


def list_rules(opened: OpenWorkspace) -> RuleSet:
    """The rules that the policies of a workspace use. Raises InvalidInput if one is wrong."""
    rules, problems = load_rules(read_policies(opened))
    errors = [item for item in problems if item.severity is Severity.ERROR]
    if errors:
        raise InvalidInput(errors)
    return rules


def find_rule(name: str, rules: RuleSet) -> BuiltIn[Any]:
    """The built-in rule of a name, or of the id it has in `rules`. Raises WrongUsage."""
    for rule in rules.rules:
        if rule.id == name:
            return rule.built_in
    if name not in BY_NAME:
        known = [*BY_NAME, *(rule.id for rule in rules.rules)]
        near = did_you_mean(name, known)
        hint = f"did you mean {near!r}?" if near else f"one of {', '.join(BY_NAME)}"
        raise WrongUsage(f"there is no rule {name!r}", hint=hint)
    return BY_NAME[name]
