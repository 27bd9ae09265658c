"""The bodies of messages: bounded in bytes and in time, each of them and all together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.requests import Request

# GitHub sends no more than 25 MB.
_LARGEST_BODY = 26 * 1024 * 1024
_ALL_BODIES = 64 * 1024 * 1024
_BODY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of one body, in bytes and in seconds, and of all that are there at the same time."""

    body: int = _LARGEST_BODY
    seconds: float = _BODY_SECONDS
    all_bodies: int = _ALL_BODIES


class TooMuch(Exception):
    """A body over a limit, or one that did not come in time; `status` is the answer's."""

    def __init__(self, status: int, text: str, verdict: str = "refused") -> None:
        super().__init__(text)
        self.status, self.verdict = status, verdict


@dataclass(slots=True)
class Bodies:
    """The bodies that are in memory now, of at most `most` bytes. For one thread."""

    most: int
    _held: int = field(default=0, init=False)

    @contextmanager
    def share(self) -> Iterator[Share]:
        """What one body takes of them; given back at the end of the block."""
        share = Share(self)
        try:
            yield share
        finally:
            self._held -= share.held

    def grow(self, count: int) -> None:
        """Hold more bytes. Raises TooMuch if there is no room for them."""
        if self._held + count > self.most:
            raise TooMuch(503, "too many bodies come at the same time", "unavailable")
        self._held += count


@dataclass(slots=True)
class Share:
    """What one body holds, in bytes."""

    bodies: Bodies
    held: int = field(default=0, init=False)

    def take(self, count: int) -> None:
        """Hold more bytes, as they come: a length that is only told takes no room from others.

        Raises TooMuch if there is no room for them.
        """
        self.bodies.grow(count)
        self.held += count


def headers_of(request: Request) -> dict[str, list[bytes]]:
    """All values of each header, by lower-case name."""
    headers: dict[str, list[bytes]] = {}
    for name, value in request.headers.raw:
        headers.setdefault(name.decode("latin-1").lower(), []).append(value)
    return headers


def check_head(request: Request, bounds: Bounds) -> None:
    """Judge a body by what the head says of it. Raises TooMuch.

    A compressed one is refused: its size is not what it says, and a signature is over what was
    sent.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise TooMuch(415, "a compressed body is not taken")
    told = request.headers.get("content-length")
    if told is not None and told.isascii() and told.isdigit() and int(told) > bounds.body:
        raise _too_large(bounds)


async def read_body(request: Request, bounds: Bounds, share: Share) -> bytes:
    """The raw body. Raises TooMuch, ClientDisconnect."""
    parts: list[bytes] = []
    try:
        async with asyncio.timeout(bounds.seconds):
            async for part in request.stream():
                if share.held + len(part) > bounds.body:
                    raise _too_large(bounds)
                share.take(len(part))
                parts.append(part)
    except TimeoutError:
        raise TooMuch(408, f"the body did not come within {bounds.seconds:.0f} s") from None
    return b"".join(parts)


def _too_large(bounds: Bounds) -> TooMuch:
    return TooMuch(413, f"a body has at most {bounds.body:,} bytes")
