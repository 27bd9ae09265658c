"""Artifacts as contexts: from a real registry, and from servers that send something else."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import Any

import pytest

from reconciler.adapters.fetch_fault import Limits
from reconciler.adapters.web.resolve import Guard
from reconciler.model.build import Login
from reconciler.operations.running.contexts import Contexts
from reconciler.operations.running.downloads import Downloads
from reconciler.runner.context import LocalFolders
from reconciler.runner.failure import Failure
from tests.live.conftest import SecuredRegistry
from tests.live.hostile.places import Answer, Door, page, redirect, serving
from tests.live.hostile.registries import TITLE, UNPACK, Lies, digest, layer, manifest, push
from tests.live.hostile.tars import archive, link, member, packed

FILES = packed({"Dockerfile": b"FROM scratch\n", "sub/a": b"1"})
ONE = layer(FILES)


def refused(door: Door, lies: Any, name: str = "x:1", limits: Limits | None = None) -> str:
    with serving(lies) as server:
        door.declared.add(server.host)
        if limits is None:
            return door.refuse(f"oci://{server.host}/{name}")
        downloads = Downloads(door.place, Guard(door.declared), lambda _host: None, limits)
        with pytest.raises(Failure) as caught:
            downloads.artifact(f"oci://{server.host}/{name}", None, lambda: False)
        return caught.value.message


# ------------------------------------------------------------- what is pulled
def test_tars_and_files_become_a_folder(registry: str, door: Door) -> None:
    more = gzip.compress(packed({"lib/b": b"2"}))
    title = {TITLE: "notes/read.me"}
    pushed = push(
        registry,
        "contexts/whole",
        "1",
        [
            (layer(FILES), FILES),
            (layer(more, annotations={TITLE: "lib", UNPACK: "true"}, kind="application/x"), more),
            (layer(b"hello", kind="text/plain", annotations=title), b"hello"),
            (layer(b"left", kind="text/plain"), b"left"),
        ],
    )
    door.declared.add(registry)
    found = door.fetch(f"oci://{registry}/contexts/whole:1")
    texts = {str(path.relative_to(found.folder)): path.read_bytes()
             for path in found.folder.rglob("*") if path.is_file()}  # fmt: skip
    assert texts == {
        "Dockerfile": b"FROM scratch\n",
        "sub/a": b"1",
        "lib/b": b"2",
        "notes/read.me": b"hello",
    }
    assert pushed in str(found.shown)
    assert any("1 layer without a name left out" in note for note in found.notes)
    again = door.fetch(f"OCI://{registry}/contexts/whole@{pushed}")
    assert (again.folder / "lib" / "b").read_bytes() == b"2"


@pytest.mark.parametrize("way", ["token", "login"])
def test_a_login_is_used_where_the_registry_wants_one(
    way: str, registry_htpasswd: SecuredRegistry, door: Door
) -> None:
    """Asked through one that answers for it: a push is made without the door."""
    secured = registry_htpasswd
    source = f"oci://{secured.address}/none:1"
    door.declared.add(secured.address)
    login = Login(secured.username, secured.password)
    place = door.place / "work"
    place.mkdir()
    local = LocalFolders(door.place, door.place, lambda _folder: None)
    known = {secured.address: login} if way == "login" else {}
    contexts = Contexts(local, place, frozenset(door.declared), login=known.get)
    token = f"{login.username}:{login.password}" if way == "token" else None
    with pytest.raises(Failure, match="answers 404"):
        contexts(source, token, lambda: False)
    with pytest.raises(Failure, match="answers 401") as caught:
        contexts(source, "builder:wrong", lambda: False)
    assert caught.value.reason == "source-auth"


# ------------------------------------------------------------- what is refused
def test_bytes_that_have_another_digest_are_not_unpacked(door: Door) -> None:
    other = packed({"Dockerfile": b"FROM hostile\n"})
    lies = Lies(manifest([{**ONE, "size": len(other)}]), {ONE["digest"]: other})
    assert f"is not {ONE['digest']}" in refused(door, lies)


@pytest.mark.parametrize("more", [-1, 1])
def test_another_size_than_was_told_is_refused(more: int, door: Door) -> None:
    told = {**ONE, "size": ONE["size"] + more}
    message = refused(door, Lies(manifest([told]), {ONE["digest"]: FILES}))
    assert "what the server sends is not" in message


def test_a_manifest_is_the_one_of_its_digest(door: Door) -> None:
    lies = Lies(manifest([ONE]), {ONE["digest"]: FILES})
    assert "its digest is sha256:" in refused(door, lies, f"x@{digest(b'other')}")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>", "no JSON object"),
        (b"[" * 100_000, "no JSON object"),
        (b"[]", "no JSON object"),
        (json.dumps({"manifests": []}).encode(), "an index of several artifacts"),
        (manifest([ONE], mediaType="text/x"), "of the kind text/x"),
        (b"{}", "has no layers"),
        (manifest([]), "it holds no files"),
        (manifest([{**ONE, "digest": "sha256:../../x"}]), "no sha256 digest"),
        (manifest([{**ONE, "digest": "md5:" + "0" * 32}]), "no sha256 digest"),
        (manifest([{**ONE, "size": -1}]), "has no size"),
        (manifest([{**ONE, "size": True}]), "has no size"),
        (manifest([{**ONE, "size": 3 << 30}]), "more than 2 GiB"),
        (manifest([{**ONE, "size": 1 << 30}] * 3), "more than 2 GiB"),
        (manifest([ONE] * 65), "65 layers; at most 64"),
        (b"x" * (5 << 20), "more than 4 MiB"),
    ],
)
def test_a_manifest_that_is_none_is_refused(body: bytes, said: str, door: Door) -> None:
    assert said in refused(door, Lies(body))


@pytest.mark.parametrize("title", ["../out", "/tmp/out", "a/../../out", "a\nb"])
def test_a_title_that_leads_out_is_refused(title: str, door: Door) -> None:
    told = layer(b"x", kind="text/plain", annotations={TITLE: title})
    message = refused(door, Lies(manifest([told]), {told["digest"]: b"x"}))
    assert "the name" in message


def test_a_layer_does_not_write_through_a_link_of_another_one(door: Door) -> None:
    one, two = archive(link("way", "sub")), packed({"way/file": b"x"})
    lies = Lies(manifest([layer(one), layer(two)]), {digest(one): one, digest(two): two})
    assert "way is a link" in refused(door, lies)


def test_links_of_two_layers_together_do_not_lead_out(door: Door) -> None:
    one, two = archive(link("d/up", "..")), archive(link("out", "d/up/.."))
    lies = Lies(manifest([layer(one), layer(two)]), {digest(one): one, digest(two): two})
    assert "leads out" in refused(door, lies)


def test_limits_hold_for_all_layers_together(door: Door) -> None:
    parts = [archive(*((member(f"{n}/{m}"), b"") for m in range(40))) for n in range(4)]
    lies = Lies(manifest(list(map(layer, parts))), {digest(part): part for part in parts})
    limits = replace(Limits(), entries=100)
    assert "more than 100 files and folders" in refused(door, lies, limits=limits)


# ------------------------------------------------------------------- logins
def test_a_login_goes_to_no_other_host(door: Door) -> None:
    """Neither after a redirect of a blob, nor to a token service of another place."""
    blob = FILES
    with serving(lambda _path: page(blob)) as storage:

        def answers(path: str) -> Answer:
            if "/manifests/" in path:
                return page(manifest([ONE]))
            return redirect(f"{storage.url}/blob")

        with serving(answers) as registry:
            door.declared |= {registry.host, storage.host}
            door.fetch(f"oci://{registry.host}/x:1", "builder:planted")
            assert storage.requests == [("/blob", storage.host, "")]


def test_a_token_service_of_another_host_is_given_nothing(door: Door) -> None:
    with serving(lambda _path: page(b'{"token": "x"}')) as thief:
        challenge = f'Bearer realm="http://localhost:{thief.port}/token",service="x"'
        with serving(lambda _path: page(b"", 401, WWW_Authenticate=challenge)) as registry:
            door.declared |= {registry.host, f"localhost:{thief.port}"}
            message = door.refuse(f"oci://{registry.host}/x:1", "builder:planted")
        assert thief.requests == []
    assert "sends logins to another place" in message


def test_a_token_is_asked_for_and_used(door: Door) -> None:
    seen: list[str] = []

    def answers(path: str) -> Answer:
        given = server.requests[-1][2]
        seen.append(given)
        if path.startswith("/token"):
            return page(b'{"token": "planted"}')
        if given != "Bearer planted":
            realm = f'Bearer realm="{server.url}/token",service="s",scope="repository:x:pull"'
            return page(b"", 401, WWW_Authenticate=realm)
        return page(manifest([ONE])) if "/manifests/" in path else page(FILES)

    with serving(answers) as server:
        door.declared.add(server.host)
        found = door.fetch(f"oci://{server.host}/x:1", "builder:secret")
    assert (found.folder / "sub" / "a").exists()
    assert any(given.startswith("Basic ") for given in seen)
    assert "/token?service=s&scope=repository%3Ax%3Apull" in [
        path for path, _, _ in server.requests
    ]
