"""Every template function by name, those that are refused too, and how one is called.

Not there: what reads the machine (`env`, `expandenv`, `getHostByName`), what needs randomness or
makes keys, and regular expressions, which cannot be bounded here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from reconciler.taskfile.template.functions.data import DATA_FUNCTIONS
from reconciler.taskfile.template.functions.kit import (
    Function,
    Secrecy,
    bounded_text,
)
from reconciler.taskfile.template.functions.texts import TEXT_FUNCTIONS
from reconciler.taskfile.template.functions.times import time_functions
from reconciler.taskfile.template.govalues import (
    RESERVED,
    Missing,
    SecretText,
    ValueFault,
    Vault,
    convert,
    holds_secret,
)

_READS_THE_MACHINE = ("env", "expandenv", "getHostByName")
_NOT_HERE = (
    *(
        "uuidv4",
        "randAlpha",
        "randAlphaNum",
        "randAscii",
        "randNumeric",
        "shuffle",
        "genPrivateKey",
    ),
    *("genCA", "genSelfSignedCert", "genSignedCert", "derivePassword", "htpasswd", "bcrypt"),
    *("encryptAES", "decryptAES", "buildCustomCert", "regexMatch", "regexFind", "regexFindAll"),
    *("regexReplaceAll", "regexReplaceAllLiteral", "regexSplit", "semver", "semverCompare"),
    *("urlParse", "urlJoin", "merge", "mergeOverwrite", "ago", "toDate", "dateModify", "duration"),
    *("date_modify", "durationRound", "wrapWith", "deepCopy", "call", "js", "osBase", "osDir"),
)
# What the library behind ACR's engine gives where a value does not fit.
_LENIENT: dict[str, Any] = {
    "b64dec": "illegal base64 data at input byte 0",
    "int": 0,
    "int64": 0,
    "float64": 0.0,
    "atoi": 0,
}


def template_functions(now: datetime | None) -> dict[str, Function]:
    """All functions for a run that starts `now`."""
    refused = {
        name: _refused("it would read the machine that runs it") for name in _READS_THE_MACHINE
    }
    missing = {name: _refused("it is not available here") for name in _NOT_HERE}
    return {**TEXT_FUNCTIONS, **DATA_FUNCTIONS, **time_functions(now), **refused, **missing}


def _refused(why: str) -> Function:
    return Function(lambda *_: None, refused=why)


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
    secret = any(holds_secret(value) or _holds_token(value) for value in values)
    if not secret:
        result = function.run(*values)
        if isinstance(result, str):  # decoded, say
            check_reserved(result)
        return result
    result = function.run(*[_opened(value, vault) for value in values])
    return convert(result, lambda leaf: SecretText(leaf) if isinstance(leaf, str) else leaf)


def shown(value: Any, vault: Vault) -> Any:
    """The value with every secret replaced by what stands for it in the text."""
    if not holds_secret(value):
        return value
    return convert(value, lambda leaf: vault.token(leaf) if isinstance(leaf, SecretText) else leaf)


def _holds_token(value: Any) -> bool:
    if isinstance(value, str):
        return "\ue100" in value
    if isinstance(value, list):
        return any(map(_holds_token, value))
    return isinstance(value, Mapping) and any(map(_holds_token, value.values()))


def _opened(value: Any, vault: Vault) -> Any:
    def leaf(item: Any) -> Any:
        if isinstance(item, SecretText):
            return item.value
        return vault.reveal(item) if isinstance(item, str) else item

    return convert(value, leaf) if not isinstance(value, Missing) else value


def _checked(value: Any) -> Any:
    if isinstance(value, str):
        bounded_text(len(value))
    return value


def check_reserved(text: str) -> None:
    """Raise ValueFault if the text holds a character that stands for secrets here."""
    if not RESERVED.isdisjoint(text):
        raise ValueFault("the characters U+E100 to U+E103 are not allowed")
