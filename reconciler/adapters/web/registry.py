"""Asks a registry which digest it serves (HTTP API v2, read only). Takes nobody's word for it."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from reconciler.adapters.web.http_fault import FAILED
from reconciler.base.errors import RegistryRefused
from reconciler.model.build import Login

# All kinds at once: with fewer a registry answers 404, or converts and names another digest.
ACCEPT = (
    "application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json"
)
_SECONDS = 15
_LARGEST_MANIFEST = 4 * 1024 * 1024
_HUB = {"docker.io": "registry-1.docker.io", "index.docker.io": "registry-1.docker.io"}
CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


def served_digest(
    registry: str,
    repository: str,
    reference: str,
    *,
    login: Login | None = None,
    insecure: Collection[str] = (),
) -> str | None:
    """The digest a registry serves for a tag or digest, or None if it has none.

    Plain http only for loopback and for the hosts in `insecure`. Raises RegistryRefused if it
    cannot be reached or wants another login.
    """
    url = f"{base_url(registry, insecure)}/v2/{repository}/manifests/{reference}"
    try:
        with open_client(url) as client:
            answer = _ask(client, "HEAD", url, login)
            if answer.status_code == httpx.codes.NOT_FOUND:
                return None
            return _digest(registry, answer) or _own_digest(client, answer)
    except FAILED as error:
        raise RegistryRefused(
            f"the registry {registry} does not answer: {error}",
            hint="is the login server right, and is the registry up?",
        ) from None


@dataclass(frozen=True, slots=True)
class Greeting:
    """How a registry answers who comes in: `needed` if it asks for a login, `let_in` if we may.

    `date` is its clock, as it says.
    """

    needed: bool
    let_in: bool
    date: datetime | None = None


def greeting(
    registry: str, *, login: Login | None = None, insecure: Collection[str] = ()
) -> Greeting:
    """Whether a registry is there and takes a login. Reads no image. Raises RegistryRefused."""
    url = f"{base_url(registry, insecure)}/v2/"
    try:
        with open_client(url) as client:
            first = client.get(url)
            last = first if first.status_code != 401 else _ask(client, "GET", url, login)
    except FAILED as error:
        raise RegistryRefused(
            f"the registry {registry} does not answer: {error}",
            hint="is the login server right, and is the registry up?",
        ) from None
    if last.status_code not in {200, 401, 403}:
        raise RegistryRefused(
            f"{registry} answers as no registry does: {last.status_code} to /v2/",
            hint="is the login server right?",
        )
    return Greeting(first.status_code == 401, last.status_code == 200, _date(first))


def _date(answer: httpx.Response) -> datetime | None:
    try:
        return parsedate_to_datetime(answer.headers.get("Date", "")).astimezone(UTC)
    except ValueError:
        return None


def open_client(url: str) -> httpx.Client:
    """A client for one server. Redirects are not followed, so plain http stays plain http."""
    parts = urlsplit(url)
    # Reading all certificates takes longer than the whole question.
    certain = parts.scheme == "https"
    return httpx.Client(timeout=_SECONDS, trust_env=not is_loopback(parts.netloc), verify=certain)


def base_url(registry: str, insecure: Collection[str] = ()) -> str:
    """`https://HOST`; http only for loopback addresses and declared hosts."""
    plain = is_loopback(registry) or registry in insecure
    return f"{'http' if plain else 'https'}://{_HUB.get(registry, registry)}"


def is_loopback(registry: str) -> bool:
    """True for localhost and loopback addresses, with or without a port."""
    host = urlsplit("//" + registry).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _ask(client: httpx.Client, method: str, url: str, login: Login | None) -> httpx.Response:
    answer = client.request(method, url, headers={"Accept": ACCEPT})
    if answer.status_code != 401:
        return answer
    header = _authorization(answer, login)
    return client.request(method, url, headers={"Accept": ACCEPT, "Authorization": header})


def _authorization(answer: httpx.Response, login: Login | None) -> str:
    challenge = answer.headers.get("WWW-Authenticate", "")
    basic = httpx.BasicAuth(login.username, login.password) if login else None
    if challenge.lower().startswith("bearer "):
        fields = dict(CHALLENGE.findall(challenge))
        realm = trusted_realm(fields.get("realm", ""), answer.url)
        wanted = {name: fields[name] for name in ("service", "scope") if name in fields}
        with open_client(realm) as service:
            token = service.get(realm, params=wanted, auth=basic).json()
        if not isinstance(token, dict):
            raise RegistryRefused(f"the registry {answer.url.host} gives no token")
        return f"Bearer {token.get('token') or token.get('access_token') or ''}"
    if login is None:
        return ""
    request = httpx.Request("GET", answer.url)
    return str(next(httpx.BasicAuth(login.username, login.password).auth_flow(request))
               .headers["Authorization"])  # fmt: skip


def trusted_realm(realm: str, registry: httpx.URL) -> str:
    """The token service a registry names; a password goes to its own domain only, never over http.

    Raises RegistryRefused otherwise.
    """
    own = registry.host
    try:
        parts = urlsplit(realm)
    except ValueError:
        raise RegistryRefused(f"the registry {own} sends logins to what is no address") from None
    host = parts.hostname or ""
    same = host == own or (_is_name(own) and host.split(".")[-2:] == own.split(".")[-2:])
    if same and (parts.scheme == "https" or (is_loopback(host) and is_loopback(own))):
        return realm
    raise RegistryRefused(f"the registry {own} sends logins to another place: {host or 'nowhere'}")


def _is_name(host: str) -> bool:
    return re.search(r"[a-z]", host.rsplit(".", 1)[-1]) is not None


def _digest(registry: str, answer: httpx.Response) -> str | None:
    if answer.status_code in {401, 403}:
        raise RegistryRefused(
            f"the registry {registry} refuses to be read ({answer.status_code})",
            hint=f"log in with: docker login {registry}",
        )
    answer.raise_for_status()
    digest = answer.headers.get("Docker-Content-Digest", "")
    return digest if re.fullmatch(r"sha256:[0-9a-f]{64}", digest) else None


def _own_digest(client: httpx.Client, answer: httpx.Response) -> str:
    # The registry does not say: the bytes do. The login that worked is used again.
    body = b""
    with client.stream("GET", answer.url, headers=answer.request.headers) as reply:
        reply.raise_for_status()
        for chunk in reply.iter_bytes():
            body += chunk
            if len(body) > _LARGEST_MANIFEST:
                raise RegistryRefused("the registry sends a manifest of more than 4 MiB")
    return "sha256:" + hashlib.sha256(body).hexdigest()
