"""How a template function is called: its arguments checked, secrets kept. Knows no name.

Source: https://pkg.go.dev/text/template#hdr-Functions
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reconciler.taskfile.template.functions.kit import Function, Secrecy, bounded_text
from reconciler.taskfile.template.govalues import (
    Missing,
    SecretText,
    UnreadText,
    ValueFault,
    convert,
)
from reconciler.taskfile.template.vault import (
    Vault,
    check_reserved,
    holds_secret,
    holds_token,
    holds_unread,
    opened,
    shown,
)

# What the library behind ACR's engine gives where a value does not fit.
_LENIENT: dict[str, Any] = {
    "b64dec": "illegal base64 data at input byte 0",
    "int": 0,
    "int64": 0,
    "float64": 0.0,
    "atoi": 0,
}


def call(
    name: str, function: Function, arguments: Sequence[Any], vault: Vault, *, strict: bool
) -> Any:
    """The function's value, secrets kept secret. Raises ValueFault."""
    if function.refused:
        raise ValueFault(f"{name} cannot be used: {function.refused}")
    if (
        not function.least
        <= len(arguments)
        <= (function.most or max(len(arguments), function.least))
    ):
        wanted = function.least if function.most == function.least else f"{function.least} or more"
        raise ValueFault(f"{name} takes {wanted} arguments, not {len(arguments)}")
    values = [_present(name, value, function, strict=strict) for value in arguments]
    try:
        return _checked(_run(function, values, vault))
    except ValueFault as fault:
        if any(map(holds_unread, values)):  # its value may fit: that is seen once it is read
            return UnreadText()
        if not strict and name in _LENIENT and arguments:
            return _LENIENT[name]
        prefix = "" if str(fault).startswith((f"{name}:", f"{name} ")) else f"{name}: "
        raise ValueFault(f"{prefix}{fault}") from None
    except (TypeError, ValueError, ArithmeticError, LookupError, RecursionError, AttributeError):
        raise ValueFault(f"{name} cannot use these values") from None


def _present(name: str, value: Any, function: Function, *, strict: bool) -> Any:
    if not isinstance(value, Missing):
        return value
    if function.absent:
        return value if strict else None
    if strict:
        raise ValueFault(f"{value.path} is not given, and {name} needs it")
    return None


def _run(function: Function, values: list[Any], vault: Vault) -> Any:
    if function.secrecy is Secrecy.KEEPS:
        return function.run(*values)
    if function.secrecy is Secrecy.JOINS:
        return function.run(*[shown(value, vault) for value in values])
    if not any(holds_secret(value) or holds_token(value) for value in values):
        result = function.run(*values)
        if isinstance(result, str):  # decoded, say
            check_reserved(result)
        return result
    result = function.run(*[opened(value, vault) for value in values])
    kind = UnreadText if any(map(holds_unread, values)) else SecretText
    return convert(result, lambda leaf: kind(leaf) if isinstance(leaf, str) else leaf)


def _checked(value: Any) -> Any:
    if isinstance(value, str):
        bounded_text(len(value))
    return value
