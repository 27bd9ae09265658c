"""Template functions on the bytes of a text: encodings and sums, as Sprig has them.

Source: https://masterminds.github.io/sprig/
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from typing import Any

from reconciler.taskfile.template.functions.kit import Function, takes, text
from reconciler.taskfile.template.govalues import ValueFault


def _b64enc(value: Any) -> str:
    # ACR's engine gives an empty text for nothing.
    return "" if value is None else base64.b64encode(_bytes(text(value))).decode()


def _b64dec(value: Any) -> str:
    try:
        return base64.b64decode(text(value), validate=True).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError):
        raise ValueFault("b64dec: the text is not base64") from None


def _b32dec(value: Any) -> str:
    try:
        return base64.b32decode(text(value)).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError):
        raise ValueFault("b32dec: the text is not base32") from None


def _bytes(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass" if _surrogates(value) else "surrogateescape")


def _surrogates(value: str) -> bool:
    return any("\ud800" <= char <= "\udc7f" or "\udd00" <= char <= "\udfff" for char in value)


ENCODING_FUNCTIONS: dict[str, Function] = {
    "b64enc": takes(1, _b64enc),
    "b64dec": takes(1, _b64dec),
    "b32enc": takes(1, lambda value: base64.b32encode(_bytes(text(value))).decode()),
    "b32dec": takes(1, _b32dec),
    "sha1sum": takes(1, lambda value: hashlib.sha1(_bytes(text(value))).hexdigest()),  # noqa: S324 # a name, not a protection
    "sha256sum": takes(1, lambda value: hashlib.sha256(_bytes(text(value))).hexdigest()),
    "adler32sum": takes(1, lambda value: str(zlib.adler32(_bytes(text(value))))),
}
