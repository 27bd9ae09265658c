"""Which network addresses a context may come from, and how a host is written. Asks nobody.

`ipaddress.is_global` alone is not enough: it calls the agent of an Azure host (168.63.129.16) and
NAT64 global, so both are told apart here.
"""

from __future__ import annotations

import ipaddress
import re

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Labels of a name as DNS has it. The last one is no number: 127.1 and 0x7f000001 are addresses to
# a resolver, and no names.
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)*(?!(?:\d+|0x[0-9a-f]*)$){_LABEL}")
_LONGEST_NAME = 253

_AZURE_AGENT = ipaddress.ip_address("168.63.129.16")  # its DNS, DHCP and certificates
_DENIED = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.88.99.0/24",  # 6to4 relays
        "192.0.0.0/24",
        "64:ff9b::/96",  # NAT64: an IPv4 address in disguise
        "64:ff9b:1::/48",
        "2001::/23",  # Teredo and others of the same kind
        "2002::/16",  # 6to4
        "::/96",  # IPv4-compatible
        "fec0::/10",  # site-local, once
        "100:0:0:1::/64",
        "5f00::/16",
    )
)


class HostWrong(ValueError):
    """A host is written as no name and as no address; the text says why."""


def checked_host(host: str) -> str:
    """The host in lower case. Raises HostWrong unless it is a DNS name or a plain address.

    Other spellings of an address (decimal, octal, short, full-width) mean something to a resolver
    only, so that two programs may understand two hosts.
    """
    lowered = host.lower()
    if literal_address(lowered) is not None:
        return lowered
    if not lowered.isascii():
        raise HostWrong("a host is written in ASCII (xn--...)")
    if len(lowered) > _LONGEST_NAME or not _NAME.fullmatch(lowered):
        raise HostWrong("this is no host name, and no address as in 192.0.2.1 or 2001:db8::1")
    return lowered


def literal_address(host: str) -> Address | None:
    """The address that a host is, None if it is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def why_denied(address: Address, *, declared: bool = False) -> str | None:
    """What is wrong with an address for a context; None if nothing is.

    It has to be a public one, or that of a host that the workspace has `declared`; the metadata of
    a cloud is no context, whoever declares it. An IPv4 address that is mapped into IPv6 is judged
    as what it is.
    """
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return why_denied(address.ipv4_mapped, declared=declared)
    never = (
        (address.is_link_local, "an address of the local link, such as that of a cloud's metadata"),
        (address == _AZURE_AGENT, "the agent of an Azure host"),
        (address.is_multicast, "a multicast address"),
        (address.is_unspecified, "no address of a host"),
    )
    private = (
        (address.is_loopback, "an address of this machine"),
        (any(address.version == net.version and address in net for net in _DENIED), "reserved"),
        (not address.is_global, "a private address"),
    )
    judged = never if declared else (*never, *private)
    return next((told for is_so, told in judged if is_so), None)
