"""The registry's own word on a digest, over a real HTTP server on loopback."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from reconciler.adapters.web.registry import ACCEPT, base_url, is_loopback, served_digest
from reconciler.base.errors import RegistryRefused
from reconciler.model.build import Login
from tests.unit.adapters.registry_server import Reply, Server, serving

DIGEST = "sha256:" + "a" * 64


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as found:
        yield found


def test_the_digest_of_the_header_is_told_and_every_kind_is_accepted(server: Server) -> None:
    server.answer = lambda *_: (200, {"Docker-Content-Digest": DIGEST}, b"")
    assert served_digest(server.address, "team/app", "1.0") == DIGEST
    method, path, headers = server.asked[0]
    assert (method, path, headers["accept"]) == ("HEAD", "/v2/team/app/manifests/1.0", ACCEPT)


def test_what_is_not_there_has_no_digest(server: Server) -> None:
    assert served_digest(server.address, "app", "1.0") is None


@pytest.mark.parametrize("header", ["", "sha256:short", "md5:" + "a" * 64])
def test_without_a_good_header_the_bytes_are_hashed(server: Server, header: str) -> None:
    server.answer = lambda *_: (200, {"Docker-Content-Digest": header}, b"{}")
    wanted = "sha256:" + hashlib.sha256(b"{}").hexdigest()
    assert served_digest(server.address, "app", "1") == wanted


def test_an_endless_manifest_is_refused(server: Server) -> None:
    server.answer = lambda *_: (200, {}, b"x" * (5 * 1024 * 1024))
    with pytest.raises(RegistryRefused, match="4 MiB"):
        served_digest(server.address, "app", "1")


def basic(_method: str, _path: str, headers: dict[str, str]) -> Reply:
    wanted = "Basic " + base64.b64encode(b"user:pass").decode()
    if headers.get("authorization") != wanted:
        return 401, {"WWW-Authenticate": 'Basic realm="x"'}, b""
    return 200, {"Docker-Content-Digest": DIGEST}, b""


def test_a_login_is_used_when_it_is_asked_for(server: Server) -> None:
    server.answer = basic
    assert served_digest(server.address, "app", "1", login=Login("user", "pass")) == DIGEST
    assert "authorization" not in server.asked[0][2]


@pytest.mark.parametrize("login", [None, Login("user", "wrong")])
def test_a_missing_or_wrong_login_is_a_refusal_with_the_fix(
    server: Server, login: Login | None
) -> None:
    server.answer = basic
    with pytest.raises(RegistryRefused) as caught:
        served_digest(server.address, "app", "1", login=login)
    assert "docker login" in (caught.value.hint or "")


def test_a_token_is_fetched_from_the_place_the_registry_names(server: Server) -> None:
    challenge = f'Bearer realm="http://{server.address}/token",service="r",scope="pull"'

    def answer(_method: str, path: str, headers: dict[str, str]) -> Reply:
        if path == "/token?service=r&scope=pull":
            return 200, {}, json.dumps({"token": "abc"}).encode()
        if headers.get("authorization") != "Bearer abc":
            return 401, {"WWW-Authenticate": challenge}, b""
        return 200, {"Docker-Content-Digest": DIGEST}, b""

    server.answer = answer
    assert served_digest(server.address, "app", "1") == DIGEST


@pytest.mark.parametrize("realm", ["http://thief.example/t", "https://0.0.1/t", "file:///etc", ""])
def test_a_password_never_goes_to_another_place(server: Server, realm: str) -> None:
    server.answer = lambda *_: (401, {"WWW-Authenticate": f'Bearer realm="{realm}"'}, b"")
    with pytest.raises(RegistryRefused, match="another place"):
        served_digest(server.address, "app", "1", login=Login("user", "pass"))


def test_a_registry_that_is_down_is_a_refusal() -> None:
    with pytest.raises(RegistryRefused, match=r"127\.0\.0\.1:9"):
        served_digest("127.0.0.1:9", "app", "1")


@pytest.mark.parametrize(
    ("registry", "url"),
    [
        ("registry.contoso.example", "https://registry.contoso.example"),
        ("127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("localhost:5000", "http://localhost:5000"),
        ("[::1]:5000", "http://[::1]:5000"),
        ("declared.example:80", "http://declared.example:80"),
        ("docker.io", "https://registry-1.docker.io"),
        ("localhost.thief.example", "https://localhost.thief.example"),
    ],
)
def test_plain_http_is_for_loopback_and_declared_hosts(registry: str, url: str) -> None:
    assert base_url(registry, {"declared.example:80"}) == url


def test_an_address_that_only_looks_like_loopback_is_none() -> None:
    assert not is_loopback("127.0.0.1.thief.example")


def test_a_token_service_with_an_unknown_certificate_gets_no_password(
    server: Server, tmp_path: Path
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", *words, *name, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    asked: list[str] = []

    class Tokens(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)

    service = HTTPServer(("127.0.0.1", 0), Tokens)
    service.socket = context.wrap_socket(service.socket, server_side=True)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    realm = f'Bearer realm="https://127.0.0.1:{service.server_port}/token"'
    server.answer = lambda _method, _path, _headers: (401, {"WWW-Authenticate": realm}, b"")
    try:
        with pytest.raises(RegistryRefused, match=r"(?i)certificate"):
            served_digest(server.address, "web", "1", login=Login("me", "pass"))
    finally:
        service.shutdown()
        service.server_close()
    assert asked == []
