"""Looks at a registry over a real HTTP server on loopback, hostile ones among them.

The numbers are those of the cases that a watch must survive.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.adapters.web.image_index import read_index
from reconciler.adapters.web.registry import ACCEPT
from reconciler.adapters.web.registry_look import RegistryLooks
from reconciler.base.errors import RegistryBusy, RegistryRefused
from reconciler.model.build import Login
from reconciler.model.watched import Served
from tests.unit.adapters.registry_server import Reply, Server, serving

INDEX = "application/vnd.oci.image.index.v1+json"
IMAGE = "application/vnd.oci.image.manifest.v1+json"
LOGIN = Login("builder", "only-for-tests")


def digest(data: bytes | str) -> str:
    data = data.encode() if isinstance(data, str) else data
    return "sha256:" + hashlib.sha256(data).hexdigest()


def entry(platform: str, name: str, **more: Any) -> dict[str, Any]:
    words = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))
    return {"mediaType": IMAGE, "digest": digest(name), "platform": words | more}


def index(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"schemaVersion": 2, "manifests": list(entries)}).encode()


MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "config": {"digest": digest("config")},
        "layers": [{"digest": digest("layer")}],
    }
).encode()


def image(body: bytes = MANIFEST, kind: str = IMAGE, **more: str) -> Reply:
    told = {"Docker-Content-Digest": digest(body), "ETag": f'"{digest(body)}"'}
    more = {name.replace("_", "-"): value for name, value in more.items()}
    return 200, {"Content-Type": kind} | told | more, body


@pytest.fixture(name="server")
def registry() -> Iterator[Server]:
    with serving() as found:
        yield found


def looks(login: Login | None = None, **more: Any) -> RegistryLooks:
    return RegistryLooks(lambda _host: login, **more)


def look(server: Server, known: Served | None = None, at: RegistryLooks | None = None) -> Any:
    return (at or looks()).look(f"{server.address}/base:1", known).served


def asked(server: Server) -> list[str]:
    return [f"{method} {path}" for method, path, _ in server.asked]


# -------------------------------------------------------------------- cheaply
def test_an_image_is_read_once_and_then_costs_one_head(server: Server) -> None:
    server.answer = lambda *_: image()
    found = look(server)
    assert found == Served(digest(MANIFEST), {}, f'"{digest(MANIFEST)}"')
    assert asked(server) == [
        "HEAD /v2/base/manifests/1",
        f"GET /v2/base/manifests/{digest(MANIFEST)}",
    ]
    assert server.asked[0][2]["accept"] == ACCEPT

    def not_modified(_method: str, _path: str, headers: dict[str, str]) -> Reply:
        return (304, {}, b"") if headers.get("if-none-match") == found.etag else image()

    server.answer = not_modified
    assert look(server, found) == found
    assert server.asked[-1][2]["if-none-match"] == found.etag
    assert len(server.asked) == 3


def test_an_index_is_read_once_for_each_digest(server: Server) -> None:
    body = index(
        entry("linux/amd64", "a"),
        entry("linux/arm64/v8", "b"),
        entry("unknown/unknown", "provenance"),
    )
    server.answer = lambda *_: image(body, INDEX)
    found = look(server)
    assert found.platforms == {"linux/amd64": digest("a"), "linux/arm64": digest("b")}
    assert asked(server) == [
        "HEAD /v2/base/manifests/1",
        f"GET /v2/base/manifests/{digest(body)}",
    ]
    assert look(server, found) == found
    assert len(server.asked) == 3
    # Noted when a run pushed it: its platforms are not read yet, and are, once.
    assert look(server, Served(found.digest, None, found.etag)) == found
    assert "if-none-match" not in server.asked[3][2]


def test_a_tag_that_is_not_there(server: Server) -> None:
    assert look(server) is None


def test_row_37_a_missing_digest_is_that_of_the_bytes(server: Server) -> None:
    body = index(entry("linux/amd64", "a"))
    server.answer = lambda *_: (200, {"Content-Type": INDEX}, body)
    assert look(server) == Served(digest(body), {"linux/amd64": digest("a")}, None)
    assert asked(server) == ["HEAD /v2/base/manifests/1", "GET /v2/base/manifests/1"]


# --------------------------------------------------------------------- logins
def test_a_token_is_used_until_it_is_over(server: Server) -> None:
    def answer(_method: str, path: str, headers: dict[str, str]) -> Reply:
        if path.startswith("/token"):
            expected = "Basic " + base64.b64encode(b"builder:only-for-tests").decode()
            assert headers["authorization"] == expected
            return 200, {}, json.dumps({"token": "t1", "expires_in": 100}).encode()
        if headers.get("authorization") == "Bearer t1":
            return image()
        scope = 'service="s",scope="repository:base:pull"'
        realm = f'Bearer realm="http://{server.address}/token",{scope}'
        return 401, {"WWW-Authenticate": realm}, b""

    server.answer, clock = answer, [0.0]
    at = looks(LOGIN, now=lambda: clock[0])
    assert at.look(f"{server.address}/base:1", None).requests == 4
    clock[0] = 69.0
    assert at.look(f"{server.address}/base:1", None).requests == 2
    clock[0] = 71.0  # thirty seconds before it is over
    assert at.look(f"{server.address}/base:1", None).requests == 4
    assert sum(path.startswith("/token") for _, path, _ in server.asked) == 2
    # Of another repository it is another one.
    assert at.look(f"{server.address}/other:1", None).requests == 4


def test_row_33_a_login_goes_to_no_other_host(server: Server) -> None:
    with serving() as thief:
        host = thief.address.replace("127.0.0.1", "localhost")
        server.answer = lambda *_: (
            401,
            {"WWW-Authenticate": f'Bearer realm="http://{host}/token",service="s"'},
            b"",
        )
        with pytest.raises(RegistryRefused, match="sends logins to another place"):
            look(server, at=looks(LOGIN))
        assert thief.asked == []


def test_row_33_a_redirect_is_not_followed_and_takes_no_login(server: Server) -> None:
    with serving() as thief:
        server.answer = lambda _method, _path, headers: (
            (307, {"Location": f"http://{thief.address}/v2/base/manifests/1"}, b"")
            if "authorization" in headers
            else (401, {"WWW-Authenticate": 'Basic realm="r"'}, b"")
        )
        with pytest.raises(RegistryRefused, match="307"):
            look(server, at=looks(LOGIN))
        assert thief.asked == []


def test_a_login_that_was_of_no_use_is_asked_for_anew(server: Server) -> None:
    """Some registries refuse a wrong login with 403, not with 401."""
    good = "Basic " + base64.b64encode(b"builder:new").decode()

    def answer(_method: str, _path: str, headers: dict[str, str]) -> Reply:
        if "authorization" not in headers:
            return 401, {"WWW-Authenticate": "Basic"}, b""
        return image() if headers["authorization"] == good else (403, {}, b"")

    server.answer = answer
    password = "old"
    at = RegistryLooks(lambda _host: Login("builder", password))
    with pytest.raises(RegistryRefused, match=r"refuses to be read \(403\)"):
        look(server, at=at)
    password = "new"
    assert look(server, at=at).digest == digest(MANIFEST)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"token": "a\\nb"}', b"[" * 100_000])
def test_row_33_a_token_service_that_sends_no_token(server: Server, body: bytes) -> None:
    realm = f'Bearer realm="http://{server.address}/token"'
    server.answer = lambda _method, path, headers: (
        (200, {}, body)
        if path.startswith("/token")
        else (
            (401, {"WWW-Authenticate": realm}, b"") if "authorization" not in headers else image()
        )
    )
    if body == b"[]":  # readable, and empty
        with pytest.raises(RegistryRefused):
            look(server)
    else:
        with pytest.raises(RegistryRefused, match="sends no token"):
            look(server)


# ------------------------------------------------------------- hostile manifests
def test_row_37_an_index_in_an_index(server: Server) -> None:
    inner = {"mediaType": INDEX, "digest": digest("x"), "platform": {"os": "linux"}}
    server.answer = lambda *_: image(index(inner), INDEX)
    with pytest.raises(RegistryRefused, match="an index within an index"):
        look(server)


def test_row_37_two_images_for_one_platform(server: Server) -> None:
    server.answer = lambda *_: image(
        index(entry("linux/amd64", "a"), entry("linux/amd64", "b")), INDEX
    )
    with pytest.raises(RegistryRefused, match="two images for linux/amd64"):
        look(server)
    versions = [entry("windows/amd64", name, **{"os.version": name}) for name in ("10.1", "10.2")]
    assert read_index(index(*versions)) == {"windows/amd64": digest("10.1")}


def test_row_37_an_index_of_more_than_4_mb(server: Server) -> None:
    server.answer = lambda *_: image(b" " * (4 * 1024 * 1024 + 1), INDEX)
    with pytest.raises(RegistryRefused, match="more than 4 MiB"):
        look(server)


def test_row_37_a_kind_that_nobody_knows(server: Server) -> None:
    server.answer = lambda *_: image(b"<html>", "text/html")
    with pytest.raises(RegistryRefused, match="serves no image, but 'text/html'"):
        look(server)


def test_row_37_bytes_that_are_not_those_of_the_digest(server: Server) -> None:
    body = index(entry("linux/amd64", "a"))
    server.answer = lambda *_: image(body, INDEX, Docker_Content_Digest=digest("other"))
    with pytest.raises(RegistryRefused, match="other bytes"):
        look(server)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"manifests": 3}',
        b'{"manifests": [1]}',
        b"[" * 200_000,
        b'{"manifests":[{}]}',
    ],
)
def test_row_37_an_index_that_is_none(server: Server, body: bytes) -> None:
    server.answer = lambda *_: image(body, INDEX)
    with pytest.raises(RegistryRefused, match="cannot be read"):
        look(server)


def test_row_37_a_digest_that_leads_to_nothing(server: Server) -> None:
    """A registry may name what it does not have, or cannot give: nobody could build on it."""
    lie = image(Docker_Content_Digest=digest("a lie"))
    for status, expected in ((404, "has no such manifest"), (403, r"refuses to be read \(403\)")):
        refused: Reply = (status, {}, b"")
        server.answer = lambda method, *_, refused=refused: lie if method == "HEAD" else refused
        with pytest.raises(RegistryRefused, match=expected):
            look(server)


@pytest.mark.parametrize("named", ["sha256:<script>", "sha256:" + "A" * 64, "sha512:" + "a" * 128])
def test_row_37_a_digest_that_is_none(server: Server, named: str) -> None:
    server.answer = lambda *_: image(b"{}", Docker_Content_Digest=named)
    with pytest.raises(RegistryRefused, match="names a digest that is no sha256"):
        look(server)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"<html>",
        b"[" * 200_000,
        b'{"config": {}, "layers": []}',
        b'{"config": {"digest": "sha256:a"}}',
        b'{"config": {"digest": "a"}, "layers": []}',
        b'{"config": {"digest": "sha256:a"}, "layers": [{"digest": "<script>"}]}',
        b'{"mediaType": "text/html", "config": {"digest": "sha256:a"}, "layers": []}',
    ],
)
@pytest.mark.parametrize("told", [True, False])
def test_row_37_a_manifest_that_is_none(server: Server, body: bytes, told: bool) -> None:
    headers = {"Content-Type": IMAGE} | ({"Docker-Content-Digest": digest(body)} if told else {})
    server.answer = lambda *_: (200, headers, body)
    with pytest.raises(RegistryRefused, match="a manifest that is none"):
        look(server)


def test_row_37_an_index_without_an_image(server: Server) -> None:
    server.answer = lambda *_: image(index(), INDEX)
    with pytest.raises(RegistryRefused, match="an index without an image"):
        look(server)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({}, None), ({"Retry-After": "120"}, 120.0), ({"Retry-After": "x"}, None)],
)
def test_row_37_a_429_never_becomes_another_question(
    server: Server, headers: dict[str, str], seconds: float | None
) -> None:
    server.answer = lambda *_: (429, headers, b"")
    with pytest.raises(RegistryBusy) as caught:
        look(server)
    assert caught.value.seconds == seconds
    assert asked(server) == ["HEAD /v2/base/manifests/1"]


def test_a_registry_that_does_not_answer_is_left_alone() -> None:
    with serving() as server:
        pass
    with pytest.raises(RegistryBusy, match="does not answer"):
        look(server)


def test_a_look_is_cut_short_when_the_daemon_stops(server: Server) -> None:
    stopping, going_on = threading.Event(), threading.Event()

    def answer(*_: object) -> Reply:
        stopping.set()
        going_on.wait(20)
        return image()

    server.answer = answer
    with pytest.raises(RegistryBusy) as caught:
        look(server, at=looks(stopping=stopping.is_set))
    going_on.set()
    assert "timed out" not in caught.value.message
