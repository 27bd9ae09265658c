"""What registries and engines write when they refuse, by kind. Asks none."""

from __future__ import annotations

import re

from reconciler.model.build import Refusal, Transfer

# In the order in which it is looked for. A registry that hides what one may not see says "denied"
# for "missing" too, so that comes before.
_REFUSALS = (
    (Refusal.CONFLICT, r"immutable|cannot be overwritten|already exists and|\b409\b|conflict"),
    (Refusal.AUTH, r"unauthorized|denied|authentication required|no basic auth|\b40[13]\b"),
    (Refusal.UNREACHABLE, r"dial tcp|no such host|connection refused|timeout|tls:|x509|\bEOF\b"),
    (Refusal.MISSING, r"not found|manifest unknown|does not exist|no matching manifest"),
)


def refusal_of(message: str) -> Refusal:
    """The kind of refusal that a registry's or an engine's message means."""
    for refusal, pattern in _REFUSALS:
        if re.search(pattern, message, re.IGNORECASE):
            return refusal
    return Refusal.OTHER


def refused(message: str) -> Transfer:
    """A pull or a push that did not work, and what was said."""
    return Transfer(refusal=refusal_of(message), message=message.strip())
