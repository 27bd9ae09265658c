"""Whether a body was sent by who knows the secret. Reads nothing of the body itself."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from enum import StrEnum

_PREFIX = b"sha256="
_HEX = frozenset(b"0123456789abcdef")


class Signed(StrEnum):
    """What a signature is worth."""

    GOOD = "good"
    MISSING = "missing"
    SEVERAL = "several"
    BAD = "bad"


def check_signature(body: bytes, headers: Sequence[bytes], secrets: Sequence[str]) -> Signed:
    """Judge the values of all `X-Hub-Signature-256` headers of a request.

    `secrets` are those that count now: the current one, and the former one while it is being
    replaced. Source: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    (HMAC-SHA256 of the raw body, hexadecimal behind `sha256=`). The older header with SHA-1 is
    worth nothing: whoever may choose the weaker one has no need of the stronger.
    """
    if (wrong := check_form(headers)) is not None:
        return wrong
    digits = headers[0].removeprefix(_PREFIX)
    found = [_matches(body, digits, secret) for secret in secrets if secret]
    return Signed.GOOD if any(found) else Signed.BAD


def check_form(headers: Sequence[bytes]) -> Signed | None:
    """What is wrong with the headers, whatever the body is; None if they may be good."""
    if not headers:
        return Signed.MISSING
    if len(headers) != 1:
        return Signed.SEVERAL
    # As bytes: a text that is no ASCII makes compare_digest raise.
    given = headers[0]
    digits = given.removeprefix(_PREFIX)
    if not given.startswith(_PREFIX) or len(digits) != 64 or not _HEX.issuperset(digits):
        return Signed.BAD
    return None


def _matches(body: bytes, digits: bytes, secret: str) -> bool:
    key = secret.encode("utf-8", "surrogateescape")
    wanted = hmac.new(key, body, hashlib.sha256).hexdigest().encode()
    return hmac.compare_digest(wanted, digits)
