"""One byte form for one meaning: canonical JSON, digests and keyed fingerprints."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from typing import Any


def canonical_json(value: Any) -> str:
    """JSON with sorted keys, no blanks, UTF-8 kept: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: Any) -> str:
    """`sha256:` + hex of the canonical JSON of a JSON value."""
    return digest_text(canonical_json(value))


def digest_text(text: str) -> str:
    """`sha256:` + hex of a text's UTF-8 bytes."""
    return digest_bytes(text.encode("utf-8", "surrogatepass"))


def digest_bytes(data: bytes) -> str:
    """The same of bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_of_lines(lines: Iterable[str]) -> str:
    """The same digest of a text that comes in pieces."""
    found = hashlib.sha256()
    for line in lines:
        found.update(line.encode("utf-8", "surrogatepass"))
    return "sha256:" + found.hexdigest()


def fingerprint(text: str, key: bytes) -> str:
    """Keyed fingerprint (HMAC-SHA256, hex): comparable inside one state store, not guessable."""
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
