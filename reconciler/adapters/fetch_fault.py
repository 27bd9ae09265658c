"""Why a fetch failed, from Git or from elsewhere, and what a download may cost. Fetches nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MEBIBYTE = 1 << 20
GIBIBYTE = 1 << 30


class FetchFault(StrEnum):
    """Why what was asked for is not here."""

    AUTH = "auth"
    MISSING = "missing"
    REFUSED = "refused"
    BROKEN = "broken"
    STOPPED = "stopped"
    DISK = "disk"
    NO_GIT = "no-git"
    TLS = "tls"


class FetchError(Exception):
    """A fetch failed or was refused; the text names the place, never a token."""

    def __init__(self, fault: FetchFault, message: str) -> None:
        super().__init__(message)
        self.fault, self.message = fault, message


@dataclass(frozen=True, slots=True)
class Limits:
    """What the context of one build may be: bytes as they come, bytes and entries on the disk.

    After `free` bytes it may be at most `ratio` times what it was packed. `seconds` is for all of
    it, `head_seconds` for the head of one answer; of `slow_bytes` there must come as many in each
    `slow_seconds`. What failed is asked for again after `pause_seconds`, then after twice as long.
    """

    packed: int = 2 * GIBIBYTE
    unpacked: int = 8 * GIBIBYTE
    entries: int = 200_000
    layers: int = 64
    free: int = 64 * MEBIBYTE
    ratio: int = 200
    seconds: float = 15 * 60
    head_seconds: float = 30
    pause_seconds: float = 0.5
    slow_seconds: float = 30
    slow_bytes: int = 30_000


def sized(count: int) -> str:
    """Bytes in words: `2 GiB`, `64 MiB`, `512 bytes`."""
    for unit, size in (("GiB", GIBIBYTE), ("MiB", MEBIBYTE)):
        if count >= size:
            return f"{count / size:.4g} {unit}"
    return f"{count:,} bytes"
