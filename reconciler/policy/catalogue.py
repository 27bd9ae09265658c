"""Every built-in rule, by name: an explicit table, so that nothing is registered by an import."""

from __future__ import annotations

from typing import Any

from reconciler.policy.rule import BuiltIn
from reconciler.policy.rules import (
    hardening,
    identity,
    image,
    ownership,
    retention,
    schedule,
    token,
    token_life,
)

BUILT_INS: tuple[BuiltIn[Any], ...] = (
    identity.RULE,
    token.SCOPE,
    token_life.EXPIRY,
    token_life.UNUSED,
    retention.RULE,
    ownership.RULE,
    schedule.RULE,
    image.RULE,
    hardening.ARGUMENTS,
    hardening.SOCKET,
    hardening.PROTECT,
)

BY_NAME: dict[str, BuiltIn[Any]] = {rule.name: rule for rule in BUILT_INS}
