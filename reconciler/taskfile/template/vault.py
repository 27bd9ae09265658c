"""Secrets in a rendered text and in values: what stands for them, and how they come back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconciler.taskfile.template.govalues import (
    MAX_DEPTH,
    Missing,
    SecretText,
    UnreadText,
    ValueFault,
    convert,
)

# A secret stands in the rendered text as one of these, so that its bytes are never read as YAML
# or as shell words, and no message can show them.
_TOKEN = re.compile("\ue100([0-9]{1,9})\ue101")
RESERVED = frozenset("\ue100\ue101\ue102\ue103")


class Vault:
    """The secrets that stand in one rendered text, by number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._values: list[str] = []

    def token(self, secret: SecretText) -> str:
        """What stands for the secret in the text."""
        number = self._numbers.setdefault(secret.value, len(self._values))
        if number == len(self._values):
            self._values.append(secret.value)
        return f"\ue100{number}\ue101"

    def reveal(self, text: str) -> str:
        """The text with the secrets in their places."""
        if "\ue100" not in text:
            return text
        return _TOKEN.sub(lambda match: self._value(int(match[1])), text)

    def _value(self, number: int) -> str:
        return self._values[number] if number < len(self._values) else ""

    def hide(self, text: str) -> str:
        """The text with `***` in their places."""
        return _TOKEN.sub("***", text)

    @property
    def values(self) -> tuple[str, ...]:
        """Every secret that was used."""
        return tuple(self._values)


def check_reserved(text: str) -> None:
    """Raise ValueFault if the text holds a character that stands for secrets here."""
    if not RESERVED.isdisjoint(text):
        raise ValueFault("the characters U+E100 to U+E103 are not allowed")


def holds_secret(value: Any, depth: int = 0) -> bool:
    """True if a secret stands anywhere in the value."""
    if isinstance(value, list):
        return depth < MAX_DEPTH and any(holds_secret(item, depth + 1) for item in value)
    if isinstance(value, Mapping):
        return depth < MAX_DEPTH and any(holds_secret(item, depth + 1) for item in value.values())
    return isinstance(value, SecretText)


def holds_unread(value: Any, depth: int = 0) -> bool:
    """True if a secret that nobody has read stands anywhere in the value."""
    if isinstance(value, list):
        return depth < MAX_DEPTH and any(holds_unread(item, depth + 1) for item in value)
    if isinstance(value, Mapping):
        return depth < MAX_DEPTH and any(holds_unread(item, depth + 1) for item in value.values())
    return isinstance(value, UnreadText)


def holds_token(value: Any) -> bool:
    """True if a text in the value holds what stands for a secret."""
    if isinstance(value, str):
        return "\ue100" in value
    if isinstance(value, list):
        return any(map(holds_token, value))
    return isinstance(value, Mapping) and any(map(holds_token, value.values()))


def shown(value: Any, vault: Vault) -> Any:
    """The value with every secret replaced by what stands for it in the text."""
    if not holds_secret(value):
        return value
    return convert(value, lambda leaf: vault.token(leaf) if isinstance(leaf, SecretText) else leaf)


def opened(value: Any, vault: Vault) -> Any:
    """The value with every secret, and all that stands for one, replaced by its text."""

    def leaf(item: Any) -> Any:
        if isinstance(item, SecretText):
            return item.value
        return vault.reveal(item) if isinstance(item, str) else item

    return convert(value, leaf) if not isinstance(value, Missing) else value
