"""How fast output is masked, with a hundred secrets: as a step's output goes to its lines."""

from __future__ import annotations

import base64
import random
import string
import time
from collections.abc import Iterator

from bench.given import Given
from bench.measure import Bar, Figure, Row, summary
from reconciler.base.redact import Redactor

_SECRETS = 100
_BYTES = 64_000_000
_CHUNK = 32 * 1024  # what an engine hands over at once
_BAR = Bar(_BYTES / 50e6, rule="50 MB/s")
_LINE = b"2026-11-21T03:00:00Z info  compiled module 12345 in 0.04 s: src/service/handler.go\n"
_ESCAPED = (
    rb'{"time": "2026-11-21T03:00:00Z", "text": "GET /a%20b?x=\u003cy\u003e 200, in 0.04 s"}' b"\n"
)
_COLOURED = (
    b"\x1b[2m2026-11-21T03:00:00Z\x1b[0m \x1b[32minfo\x1b[0m  compiled module 12345: handler.go\n"
)


def masking(_given: Given) -> Iterator[Row]:
    """64 MB of output of several kinds, the median of three each."""
    letters = string.ascii_letters + string.digits + "+/_-"
    source = random.Random(1)  # the same every time, and not secret
    secrets = ["".join(source.choices(letters, k=source.randint(16, 40))) for _ in range(_SECRETS)]
    planted = b"token=" + secrets[7].encode() + b" is used\n"
    encoded = base64.encodebytes(source.randbytes(3_000_000))
    kinds = {
        "lines without a secret": _LINE,
        "a secret in every 200th line": _LINE * 199 + planted,
        "a secret in every line": planted,
        "lines with colours": _COLOURED,
        "lines with escapes": _ESCAPED,
        "base64 of other bytes": encoded,
        "one line without an end": b"x",
    }
    for kind, piece in kinds.items():
        yield Row(f"mask 64 MB, {kind}", _time(Redactor(secrets), piece), _BAR)


def _time(redactor: Redactor, piece: bytes) -> Figure:
    data = piece * (_BYTES // len(piece))
    times = []
    for _ in range(3):
        lines, begun = redactor.lines(), time.perf_counter()
        for at in range(0, len(data), _CHUNK):
            for _line in lines.feed(data[at : at + _CHUNK]):
                pass
        for _line in lines.flush():
            pass
        times.append(time.perf_counter() - begun)
    return summary(times)
