"""One byte form for one meaning: canonical JSON, digests and keyed fingerprints."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any


def canonical_json(value: Any) -> str:
    """JSON with sorted keys, no blanks, UTF-8 kept: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: Any) -> str:
    """`sha256:` + hex of the canonical JSON of a JSON value."""
    return digest_text(canonical_json(value))


def digest_text(text: str) -> str:
    """`sha256:` + hex of a text's UTF-8 bytes."""
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def fingerprint(text: str, key: bytes) -> str:
    """Keyed fingerprint (HMAC-SHA256, hex): comparable inside one state store, not guessable."""
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
