"""Row 34: a context is fetched from the public Internet or from hosts that are declared."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.git_server import GitServer
from tests.live.hostile.places import Door, page, redirect, serving
from tests.live.hostile.tars import packed

# An address, and what it is said to be.
PRIVATE = {
    "127.0.0.1": "an address of this machine",
    "[::1]": "an address of this machine",
    "[::ffff:127.0.0.1]": "an address of this machine",
    "[64:ff9b::7f00:1]": "reserved",  # NAT64
    "[::7f00:1]": "reserved",  # IPv4-compatible
    "[2002:7f00:1::]": "reserved",  # 6to4
    "169.254.169.254": "an address of the local link",
    "168.63.129.16": "the agent of an Azure host",
    "10.0.0.1": "a private address",
    "100.64.0.1": "a private address",  # shared by a provider
    "[fd00::1]": "a private address",
    "[fe80::1]": "an address of the local link",
    "224.0.0.1": "a multicast address",
    "0.0.0.0": "no address of a host",  # noqa: S104
}
DISGUISED = {
    "decimal": "2130706433",
    "hex": "0x7f000001",
    "octal": "0177.0.0.1",
    "short": "127.1",
    "zero": "0",
    "hex in parts": "0x7f.0.0.1",
    "full-width digits": "\uff11\uff12\uff17.0.0.1",
    "ideographic dots": "127\u30020\u30020\u30021",
    "a dot more": "127.0.0.1.",
    "a user before": "good.example@127.0.0.1",
    "a backslash": "127.0.0.1\\@good.example",
}
KINDS = ("https://{}:{}/x.tar.gz", "https://{}:{}/x.git", "oci://{}:{}/x:1")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("host", PRIVATE)
def test_a_private_address_is_not_connected_to(kind: str, host: str, door: Door) -> None:
    with serving(lambda _path: page(b"internal")) as inside:
        message = door.refuse(kind.format(host, inside.port))
        assert inside.connections == 0
    # A registry of this machine would be asked by plain http, which is told first.
    plain = kind.startswith("oci") and host in {"127.0.0.1", "[::1]"}
    told = "`insecure: true`" if plain else PRIVATE[host]
    assert told in message or "an artifact is oci://" in message


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("host", DISGUISED.values())
def test_a_disguised_address_is_not_even_looked_up(kind: str, host: str, door: Door) -> None:
    with serving(lambda _path: page(b"internal")) as inside:
        message = door.refuse(kind.format(host, inside.port))
        assert inside.connections == 0
    assert "internal" not in message
    assert door.looked_up == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("host", PRIVATE)
def test_the_address_behind_a_name_is_judged(kind: str, host: str, door: Door) -> None:
    door.names["inside.example"] = [host.strip("[]")]
    with serving(lambda _path: page(b"internal")) as inside:
        message = door.refuse(kind.format("inside.example", inside.port))
        assert inside.connections == 0
    assert "inside.example has the address" in message
    assert PRIVATE[host] in message


@pytest.mark.parametrize("address", ["169.254.169.254", "168.63.129.16", "::ffff:169.254.169.254"])
def test_the_metadata_of_a_cloud_is_no_context_even_of_a_declared_host(
    address: str, door: Door
) -> None:
    door.declared.add("git.internal")
    door.names["git.internal"] = [address]
    assert "has the address" in door.refuse("http://git.internal/x.tar.gz")


def test_a_name_that_changes_its_address_is_connected_to_where_it_was_judged(door: Door) -> None:
    """DNS rebinding: the second answer would be another server. There is no second question."""
    with serving(lambda _path: page(packed({"Dockerfile": b"FROM scratch\n"}))) as judged:
        source = f"http://rebind.example:{judged.port}/x.tar"
        door.declared.add(f"rebind.example:{judged.port}")
        door.names["rebind.example"] = ["127.0.0.1", "127.0.0.66"]
        found = door.fetch(source)
        assert judged.requests[0][1] == f"rebind.example:{judged.port}"
    assert (found.folder / "Dockerfile").read_text() == "FROM scratch\n"
    assert door.looked_up == ["rebind.example"]


def test_git_connects_where_it_was_judged_too(server: GitServer, door: Door) -> None:
    port = server.host.partition(":")[2]
    door.declared = {f"rebind.example:{port}"}
    door.names["rebind.example"] = ["127.0.0.1", "127.0.0.66"]
    found = door.fetch(f"http://rebind.example:{port}/app.git#trunk")
    assert (found.folder / "other").read_text() == "x"
    assert door.looked_up == ["rebind.example"]


def test_one_private_address_among_public_ones_is_enough(door: Door) -> None:
    door.every["mixed.example"] = ["93.184.216.34", "10.0.0.1"]
    assert "has the address 10.0.0.1" in door.refuse("https://mixed.example/x.tar.gz")


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:{}/x", "http://inner.example:{}/x", "file:///etc/passwd"]
)
def test_each_redirect_is_judged_as_the_first_address_was(target: str, door: Door) -> None:
    door.names["inner.example"] = ["127.0.0.1"]
    with (
        serving(lambda _path: page(b"internal")) as inside,
        serving(lambda _path: redirect(target.format(inside.port))) as outside,
    ):
        door.declared.add(outside.host)
        message = door.refuse(f"{outside.url}/x.tar.gz")
        assert inside.connections == 0
        assert len(outside.requests) == 1
    assert "internal" not in message


def test_redirects_end_after_three(door: Door) -> None:
    with serving(lambda path: redirect(f"{path}x")) as server:
        door.declared.add(server.host)
        assert "more than 3 times" in door.refuse(f"{server.url}/x.tar.gz")
        assert len(server.requests) == 4


def test_plain_http_is_for_declared_hosts_only(door: Door, tmp_path: Path) -> None:
    with serving(lambda _path: page(packed({"a": b"1"}))) as server:
        assert "`insecure: true` in reconciler.yaml" in door.refuse(f"{server.url}/x.tar")
        assert server.requests == []
        door.declared.add(server.host)
        assert (door.fetch(f"{server.url}/x.tar").folder / "a").read_bytes() == b"1"
