"""Asks a registry what it serves under a tag, again and again, at as little cost as it can be done.

A HEAD that says what is known already; a token is used until it is over. What a new digest leads to
is read once: an image that cannot be had is none. Reads no layer, and never asks for more because a
HEAD was refused.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from reconciler.adapters.fetch_fault import FetchError
from reconciler.adapters.web.http_fault import FAILED
from reconciler.adapters.web.image_index import DIGEST, read_manifest
from reconciler.adapters.web.leash import Leash
from reconciler.adapters.web.registry import ACCEPT, CHALLENGE, base_url, open_client, trusted_realm
from reconciler.base.errors import RegistryBusy, RegistryRefused
from reconciler.base.text import one_line
from reconciler.model.build import Login
from reconciler.model.image import parse_reference
from reconciler.model.watched import Looked, Served

_LARGEST = 4 * 1024 * 1024
_SECONDS = 60.0  # for one look, whatever the registry does
_TOKEN_SECONDS = 60.0  # where a token does not say
_EARLIER = 30.0  # a token is over so many seconds before its end
_MOST_TOKENS = 10_000
_KINDS = frozenset(kind.strip() for kind in ACCEPT.split(","))


@dataclass(frozen=True, slots=True)
class _Token:
    header: str
    until: float


@dataclass(slots=True)
class RegistryLooks:
    """Looks at registries. `login` finds the login of a host; for several threads, of one registry
    one at a time.

    Plain http only for loopback and the hosts in `insecure`. `stopping` cuts a look short.
    """

    login: Callable[[str], Login | None]
    insecure: Collection[str] = ()
    stopping: Callable[[], bool] = lambda: False
    now: Callable[[], float] = time.monotonic
    _tokens: dict[tuple[str, str], _Token] = field(default_factory=dict, init=False)

    def look(self, reference: str, known: Served | None) -> Looked:
        """What is served under a tag (as `tracked_reference` spells it); `known` if it is that.

        Raises RegistryBusy if the registry is to be left alone, RegistryRefused otherwise.
        """
        parts = parse_reference(reference)
        host, tag = str(parts.registry), parts.tag or "latest"
        url = f"{base_url(host, self.insecure)}/v2/{parts.repository}/manifests/"
        try:
            with Leash(self.stopping, _SECONDS) as leash, open_client(url) as client:
                asking = _Asking(self, client, leash, (host, parts.repository), url)
                return Looked(asking.served(tag, known), asking.requests)
        except (FetchError, *FAILED) as error:
            told = one_line(str(error), 200) or type(error).__name__
            raise RegistryBusy(f"the registry {host} does not answer: {told}") from None

    def token(self, key: tuple[str, str]) -> str | None:
        """The header that let us in the last time; None if there is none, or it is over."""
        found = self._tokens.get(key)
        return found.header if found is not None and found.until > self.now() else None

    def keep(self, key: tuple[str, str], header: str, seconds: float) -> None:
        """Remember what lets us in, for a while."""
        if len(self._tokens) >= _MOST_TOKENS:
            self._tokens.clear()
        self._tokens[key] = _Token(header, self.now() + seconds - _EARLIER)

    def forget(self, key: tuple[str, str]) -> None:
        """It does not let us in any more."""
        self._tokens.pop(key, None)


@dataclass(slots=True)
class _Asking:
    """One look: the requests of it, counted."""

    looks: RegistryLooks
    client: httpx.Client
    leash: Leash
    key: tuple[str, str]
    url: str
    requests: int = 0

    def served(self, tag: str, known: Served | None) -> Served | None:
        """What a tag stands for; `known` if it is that."""
        read = known is not None and known.platforms is not None
        etag = known.etag if known is not None and read else None
        answer, body = self._manifest("HEAD", tag, {"If-None-Match": etag} if etag else {})
        if answer.status_code == httpx.codes.NOT_MODIFIED and known is not None:
            return known
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        self._check(answer)
        etag = _etag(answer)
        digest = answer.headers.get("Docker-Content-Digest", "")
        if not digest:
            # The registry does not say: the bytes do.
            answer, body = self._manifest("GET", tag, {})
            self._check(answer)
            digest = _digest(body)
        elif not DIGEST.fullmatch(digest):
            raise RegistryRefused(f"{self.key[0]} names a digest that is no sha256")
        if known is not None and read and digest == known.digest:
            return Served(digest, known.platforms, etag)
        if not body:
            answer, body = self._named(digest)
        return Served(digest, read_manifest(body, self._kind(answer)), etag)

    def _named(self, digest: str) -> tuple[httpx.Response, bytes]:
        """The manifest that a registry names: its word alone is not believed."""
        answer, body = self._manifest("GET", digest, {})
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise RegistryRefused(f"{self.key[0]} names {digest}, and has no such manifest")
        self._check(answer)
        if _digest(body) != digest:
            raise RegistryRefused(f"{self.key[0]} serves other bytes than {digest} says")
        return answer, body

    def _kind(self, answer: httpx.Response) -> str:
        """The media type of an answer, if it is that of an image."""
        kind = str(answer.headers.get("Content-Type", "")).partition(";")[0].strip().lower()
        if kind not in _KINDS:
            raise RegistryRefused(f"{self.key[0]} serves no image, but {one_line(kind, 80)!r}")
        return kind

    # ---------------------------------------------------------------- requests
    def _manifest(
        self, method: str, name: str, headers: Mapping[str, str]
    ) -> tuple[httpx.Response, bytes]:
        """An answer and its body; asked again with a login if one is wanted."""
        known = self.looks.token(self.key)
        answer, body = self._send(method, name, headers, known)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self.looks.forget(self.key)
            fresh = self._authorization(answer)
            if fresh is not None:
                answer, body = self._send(method, name, headers, fresh)
        return answer, body

    def _send(
        self, method: str, name: str, headers: Mapping[str, str], header: str | None
    ) -> tuple[httpx.Response, bytes]:
        sent = {"Accept": ACCEPT, "Accept-Encoding": "identity", **headers}
        if header is not None:
            sent["Authorization"] = header
        self.requests += 1
        return _bounded(self.client, self.leash, method, self.url + name, headers=sent)

    def _authorization(self, answer: httpx.Response) -> str | None:
        challenge = answer.headers.get("WWW-Authenticate", "")
        login = self.looks.login(self.key[0])
        if challenge.lower().startswith("bearer "):
            return self._fetched(answer, challenge, login)
        if login is None:
            return None
        basic = httpx.BasicAuth(login.username, login.password)
        request = next(basic.auth_flow(httpx.Request("GET", answer.url)))
        header = str(request.headers["Authorization"])
        self.looks.keep(self.key, header, 3600.0)
        return header

    def _fetched(self, answer: httpx.Response, challenge: str, login: Login | None) -> str:
        """A token of the service that the registry names, if that may be told who we are."""
        fields = dict(CHALLENGE.findall(challenge))
        realm = trusted_realm(fields.get("realm", ""), answer.url)
        wanted = {name: fields[name] for name in ("service", "scope") if name in fields}
        auth = httpx.BasicAuth(login.username, login.password) if login else None
        self.requests += 1
        with open_client(realm) as service:
            found, body = _bounded(service, self.leash, "GET", realm, params=wanted, auth=auth)
        self._check(found)
        try:
            told: Any = json.loads(body)
            token = str(told.get("token") or told.get("access_token") or "")
            seconds = float(told.get("expires_in") or _TOKEN_SECONDS)
        except (ValueError, AttributeError, TypeError, RecursionError):
            raise RegistryRefused(f"the token service of {self.key[0]} sends no token") from None
        if not token.isascii() or not token.isprintable():
            raise RegistryRefused(f"the token service of {self.key[0]} sends no token")
        header = f"Bearer {token}"
        self.looks.keep(self.key, header, seconds)
        return header

    def _check(self, answer: httpx.Response) -> None:
        """Raises what an answer that is no success says."""
        status, host = answer.status_code, self.key[0]
        if status == httpx.codes.OK:
            return
        if status == httpx.codes.TOO_MANY_REQUESTS or status >= 500:
            seconds = _retry_after(answer)
            raise RegistryBusy(f"the registry {host} answers {status}", seconds=seconds)
        if status == httpx.codes.FORBIDDEN:
            self.looks.forget(self.key)  # the next look comes with what is known by then
        hint = f"log in with: docker login {host}" if status in {401, 403} else None
        raise RegistryRefused(f"the registry {host} refuses to be read ({status})", hint=hint)


def _bounded(
    client: httpx.Client, leash: Leash, method: str, url: str, **words: Any
) -> tuple[httpx.Response, bytes]:
    """An answer with its body, of at most 4 MiB."""
    body = b""
    with client.stream(method, url, extensions={"trace": leash.trace}, **words) as answer:
        for part in answer.iter_bytes():
            body += part
            if len(body) > _LARGEST:
                raise RegistryRefused("the registry sends a manifest of more than 4 MiB")
    return answer, body


def _digest(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()


def _etag(answer: httpx.Response) -> str | None:
    """The mark of an answer, if it can be sent back; a weak one is matched by no registry."""
    etag = str(answer.headers.get("ETag", ""))
    return etag if re.fullmatch(r'"[\x21\x23-\x7e]{1,200}"', etag) else None


def _retry_after(answer: httpx.Response) -> float | None:
    """Seconds that the registry wants to be left alone."""
    text = str(answer.headers.get("Retry-After", "")).strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        return (parsedate_to_datetime(text).astimezone(UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
