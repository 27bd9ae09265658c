"""Finds out which addresses a host has, and lets only those through that a context may come from.

Who connects is given the addresses that were judged: nobody looks the name up a second time, so a
server of names cannot show a public address first and a private one afterwards.
"""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Callable, Collection
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from reconciler.base.addresses import HostWrong, checked_host, literal_address, why_denied
from reconciler.base.text import one_line

# (host, port) -> its addresses as text, in the order to try them. Raises OSError.
Resolver = Callable[[str, int], list[str]]

_PORTS = {"https": 443, "http": 80}
_MOST_ADDRESSES = 16


class AddressRefused(Exception):
    """An address is not connected to. The text says which, why, and what would allow it."""


class HostUnknown(Exception):
    """A name has no address."""


def system_resolver(host: str, port: int) -> list[str]:
    """The addresses that this machine knows of a host. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class Place:
    """Where to connect: a checked URL, its host and port, and the addresses that were judged.

    `addresses` is empty if a proxy connects for us: then the proxy's rules hold.
    """

    url: str
    scheme: str
    host: str
    port: int
    addresses: tuple[str, ...]
    proxy: str | None = None

    @property
    def origin(self) -> tuple[str, str, int]:
        """What a login is for: scheme, host and port."""
        return self.scheme, self.host, self.port

    @property
    def netloc(self) -> str:
        """The host as it stands in a URL, with a port that is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if _PORTS[self.scheme] == self.port else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Guard:
    """Judges where a context may come from.

    `declared` are hosts (`name` or `name:port`) of the workspace file with `insecure: true`: they
    may have any address and be asked by plain http. All others are public and speak https.
    """

    declared: Collection[str] = frozenset()
    resolver: Resolver = system_resolver

    def judge(self, url: str) -> Place:
        """Where a URL leads. Raises AddressRefused or HostUnknown."""
        parts, host, port = _parts(url)
        declared = self.declares(host, port, parts.netloc)
        if parts.scheme == "http" and not declared:
            fix = "plain http is allowed for hosts with `insecure: true` in reconciler.yaml"
            raise AddressRefused(f"{_shown(url)} is fetched by https; {fix}")
        proxy = _proxy_for(parts)
        if proxy is not None and literal_address(host) is None:
            return Place(url, parts.scheme, host, port, (), proxy)
        addresses = self._addresses(host, port)
        _check(host, addresses, declared=declared)
        return Place(url, parts.scheme, host, port, addresses, None if declared else proxy)

    def declares(self, host: str, port: int, netloc: str = "") -> bool:
        """True if the workspace says `insecure: true` for a host."""
        return bool({host, f"{host}:{port}", f"[{host}]:{port}", netloc.lower()} & {*self.declared})

    def _addresses(self, host: str, port: int) -> tuple[str, ...]:
        if literal_address(host) is not None:
            return (host,)
        try:
            found = self.resolver(host, port)
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or error
            raise HostUnknown(f"the host {host} is not found: {why}") from None
        if not found:
            raise HostUnknown(f"the host {host} has no address")
        return tuple(found[:_MOST_ADDRESSES])


def _parts(url: str) -> tuple[SplitResult, str, int]:
    if not url.isprintable() or " " in url or "\\" in url:
        # One reader drops them, another one does not.
        raise AddressRefused(f"{_shown(url)} holds a blank, a backslash or a control character")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused(f"{_shown(url)} is no URL") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise AddressRefused(f"{_shown(url)} is no https URL")
    if "@" in parts.netloc:
        raise AddressRefused("an address holds no user and no token")  # not repeated
    try:
        host = checked_host(parts.hostname)
    except HostWrong as error:
        raise AddressRefused(f"{one_line(parts.hostname, 120)}: {error}") from None
    return parts, host, _PORTS[parts.scheme] if port is None else port


def _check(host: str, addresses: tuple[str, ...], *, declared: bool) -> None:
    """One wrong address is enough: a name of the Internet has only public ones."""
    for text in addresses:
        address = literal_address(text.partition("%")[0])
        why = why_denied(address, declared=declared) if address else "no address that is known"
        if why is not None:
            has = f"{host} is" if text == host else f"{host} has the address {text},"
            may = not declared and address and why_denied(address, declared=True) is None
            raise AddressRefused(f"{has} {why}" + (f"; {_declare(host)}" if may else ""))


def _declare(host: str) -> str:
    return f'if that is meant, reconciler.yaml declares it: hosts: {{"{host}": {{insecure: true}}}}'


def _proxy_for(parts: SplitResult) -> str | None:
    """The proxy of the environment; none for plain http, of which it would read the token."""
    if parts.scheme != "https":
        return None
    proxies = urllib.request.getproxies_environment()
    found = proxies.get("https") or proxies.get("all")
    if not found or urllib.request.proxy_bypass(parts.netloc, proxies):
        return None
    return found if "://" in found else f"http://{found}"


def _shown(url: str) -> str:
    return one_line(url.partition("?")[0], 120)
