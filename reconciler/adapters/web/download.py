"""Downloads one file from a place that may be hostile: bounded, and from a judged address only.

Redirects are followed by hand, at most three, and each is judged as the first address was. What
says who we are goes to the first server and to no other one.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx

from reconciler import __version__
from reconciler.adapters.fetch_fault import FetchError, FetchFault, Limits
from reconciler.adapters.web.download_fault import (
    Again,
    nonsense,
    refused,
    shown,
    too_large,
    unanswered,
)
from reconciler.adapters.web.http_fault import NONSENSE
from reconciler.adapters.web.leash import Leash
from reconciler.adapters.web.resolve import AddressRefused, Guard, HostUnknown, Place
from reconciler.base.addresses import literal_address
from reconciler.base.room import is_full
from reconciler.base.text import one_line

_MOST_REDIRECTS = 3
_TRIES = 3
_TIMES = httpx.Timeout(30, connect=5)

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to ask for. `authorization` is a whole header, for the server of `url` only.

    With `digest` (`sha256:...`) and `size` nothing else is taken for it.
    """

    url: str
    authorization: str | None = field(default=None, repr=False)
    accept: str = "*/*"
    digest: str | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """Asks servers for the files of one context within limits, until `stopping` is true.

    The time of all that it asks for begins with it. A server that fails is asked three times; what
    it refuses is not asked for again.
    """

    guard: Guard
    stopping: Callable[[], bool]
    limits: Limits = field(default_factory=Limits)
    _begun: float = field(default_factory=time.monotonic, init=False, repr=False)

    def save(self, wanted: Wanted, file: Path, largest: int) -> int:
        """Download into a new file; how many bytes. Raises FetchError."""
        return self._tried(wanted, lambda leash: self._saved(wanted, file, largest, leash))

    def head(self, wanted: Wanted) -> tuple[httpx.URL, httpx.Headers]:
        """Where an answer came from, and its headers, whatever its status. Raises FetchError."""

        def ask(leash: Leash) -> tuple[httpx.URL, httpx.Headers]:
            with self.answer(wanted, leash) as answer:
                return answer.url, answer.headers

        return self._tried(wanted, ask)

    def body(self, wanted: Wanted, largest: int) -> bytes:
        """A small answer. Raises FetchError."""

        def ask(leash: Leash) -> bytes:
            with self.answer(wanted, leash) as answer:
                if answer.is_error:
                    raise refused(wanted.url, answer)
                body = bytearray()
                _pump(wanted, self._chunks(answer, leash), body.extend, largest)
                return bytes(body)

        return self._tried(wanted, ask)

    def _tried(self, wanted: Wanted, ask: Callable[[Leash], Found]) -> Found:
        with Leash(self.stopping, self.limits.seconds, self._begun) as leash:
            for left in reversed(range(_TRIES)):
                try:
                    return ask(leash)
                except (Again, httpx.HTTPError) as error:
                    leash.check()
                    if left == 0:
                        raise unanswered(wanted.url, error) from None
                    leash.wait(self.limits.pause_seconds * (_TRIES - left))
                except NONSENSE:
                    raise nonsense(wanted.url) from None
        raise AssertionError  # each way out is above

    def _saved(self, wanted: Wanted, file: Path, largest: int, leash: Leash) -> int:
        with self.answer(wanted, leash) as answer:
            if answer.is_error:
                raise refused(wanted.url, answer)
            _check_length(wanted, answer, largest)
            with _told_of_disk(), file.open("wb") as target:
                return _pump(wanted, self._chunks(answer, leash), target.write, largest)

    def _chunks(self, answer: httpx.Response, leash: Leash) -> Iterator[bytes]:
        """The bytes as they were sent. Raises FetchError if too few come."""
        limits, got, look = self.limits, 0, time.monotonic() + self.limits.slow_seconds
        for chunk in answer.iter_raw():
            leash.check()
            got += len(chunk)
            if time.monotonic() > look:
                if got < limits.slow_bytes:
                    why = f"fewer than {limits.slow_bytes:,} bytes in {limits.slow_seconds:g} s"
                    raise FetchError(FetchFault.BROKEN, f"the download is too slow: {why}")
                got, look = 0, time.monotonic() + limits.slow_seconds
            yield chunk

    @contextlib.contextmanager
    def answer(self, wanted: Wanted, leash: Leash) -> Iterator[httpx.Response]:
        """The last answer after redirects, its body not read. Raises FetchError, HTTPError."""
        url, first = wanted.url, None
        for _ in range(_MOST_REDIRECTS + 1):
            leash.check()
            place = _judged(self.guard, url)
            first = first or place.origin
            headers = {"Accept": wanted.accept, "Accept-Encoding": "identity"}
            if wanted.authorization and place.origin == first:
                headers["Authorization"] = wanted.authorization
            asked = Asked(place, headers, self.limits.head_seconds)
            with _client(place) as client, _answered(client, asked, leash) as answer:
                if not answer.has_redirect_location:
                    yield answer
                    return
                url = _next(place.url, answer)
        message = f"{shown(wanted.url)} redirects more than {_MOST_REDIRECTS} times"
        raise FetchError(FetchFault.REFUSED, message)


def _judged(guard: Guard, url: str) -> Place:
    try:
        httpx.URL(url)
        return guard.judge(url)
    except (AddressRefused, *NONSENSE) as error:
        raise FetchError(FetchFault.REFUSED, one_line(str(error), 400)) from None
    except HostUnknown as error:
        raise FetchError(FetchFault.BROKEN, str(error)) from None


def _client(place: Place) -> httpx.Client:
    # Reading all certificates takes longer than a small download.
    verify = httpx.create_ssl_context() if place.scheme == "https" else False
    return httpx.Client(verify=verify, trust_env=False, proxy=place.proxy, timeout=_TIMES)


@dataclass(frozen=True, slots=True)
class Asked:
    """What one server is asked, and for how many seconds its answer may begin."""

    place: Place
    headers: Mapping[str, str] = field(repr=False)
    seconds: float


@contextlib.contextmanager
def _answered(client: httpx.Client, asked: Asked, leash: Leash) -> Iterator[httpx.Response]:
    """The answer of the first address that can be connected to; no name is looked up."""
    answer = _first(client, asked, leash)
    try:
        yield answer
    finally:
        answer.close()


def _first(client: httpx.Client, asked: Asked, leash: Leash) -> httpx.Response:
    *others, last = asked.place.addresses or (asked.place.host,)
    for address in others:
        with contextlib.suppress(httpx.ConnectError, httpx.ConnectTimeout):
            return _of_address(client, asked, address, leash)
    return _of_address(client, asked, last, leash)


def _of_address(client: httpx.Client, asked: Asked, address: str, leash: Leash) -> httpx.Response:
    leash.check()
    request = _request(client, asked.place, address, asked.headers, leash)
    with leash.head(asked.seconds):
        return client.send(request, stream=True)


def _request(
    client: httpx.Client, place: Place, address: str, headers: Mapping[str, str], leash: Leash
) -> httpx.Request:
    extensions: dict[str, object] = {"trace": leash.trace}
    if literal_address(place.host) is None:
        # The certificate is that of the name, wherever we connect to.
        extensions["sni_hostname"] = place.host
    url = httpx.URL(place.url).copy_with(host=address, port=place.port, fragment=None)
    told = {**headers, "Host": place.netloc, "User-Agent": f"reconciler/{__version__}"}
    return client.build_request("GET", url, headers=told, extensions=extensions)


def _next(url: str, answer: httpx.Response) -> str:
    try:
        return str(httpx.URL(url).join(answer.headers["Location"]))
    except NONSENSE:
        message = f"{shown(url)} redirects to what is no address"
        raise FetchError(FetchFault.REFUSED, message) from None


# ------------------------------------------------------------------- reading
def _check_length(wanted: Wanted, answer: httpx.Response, largest: int) -> None:
    told = answer.headers.get("Content-Length", "")
    if told.isdigit() and wanted.size is None and int(told) > largest:
        raise too_large(wanted.url, largest)


def _pump(
    wanted: Wanted, chunks: Iterator[bytes], write: Callable[[bytes], object], largest: int
) -> int:
    """Write all chunks; how many bytes. Raises FetchError if they are not what is wanted."""
    seen, total = hashlib.sha256(), 0
    for chunk in chunks:
        total += len(chunk)
        if wanted.size is not None and total > wanted.size:
            raise _other(wanted, f"it is longer than the {wanted.size:,} bytes that were told")
        if total > largest:
            raise too_large(wanted.url, largest)
        seen.update(chunk)
        write(chunk)
    if wanted.size is not None and total != wanted.size:
        raise _other(wanted, f"it has {total:,} bytes and not {wanted.size:,}")
    if wanted.digest is not None and f"sha256:{seen.hexdigest()}" != wanted.digest:
        raise _other(wanted, f"its digest is sha256:{seen.hexdigest()}")
    return total


@contextlib.contextmanager
def _told_of_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        fault = FetchFault.DISK if is_full(error) else FetchFault.BROKEN
        raise FetchError(fault, f"it cannot be written: {error.strerror}") from None


def _other(wanted: Wanted, why: str) -> FetchError:
    what = one_line(wanted.digest or wanted.url, 120)
    return FetchError(FetchFault.REFUSED, f"what the server sends is not {what}: {why}")
