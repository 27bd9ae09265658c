"""Stand-ins of Azure Key Vault and HashiCorp Vault, over real TLS, and of a machine's identity
endpoint, over plain HTTP: that endpoint of Azure (IMDS) is link-local and has no other way.

Their names are the real ones: a proxy leads them here, and a certificate authority of its own makes
them trusted, so that the program under test is told nothing but what an environment may tell it.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

KEY_VAULT = "contoso-search.vault.azure.net"
HASHI_VAULT = "vault.contoso.example"
CLIENT_ID = "11111111-2222-3333-4444-555555555555"
TENANT = "99999999-8888-7777-6666-555555555555"
ACCESS_TOKEN = "acc3ss-tok3n-of-the-identity"
VAULT_TOKEN = "hv-tok3n-of-the-test"
ROLE_ID, SECRET_ID = "role-of-the-test", "s3cret-id-of-the-test"
Answer = tuple[int, object]


@dataclass(frozen=True, slots=True)
class Seen:
    """One request that a stand-in got."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Flood:
    """An answer of 64 MB; `packed`: with gzip, which makes little of it."""

    packed: bool = False

    def send(self, handler: BaseHTTPRequestHandler) -> None:
        """Headers and body, up to where the client goes away."""
        packer = zlib.compressobj(wbits=31)
        if self.packed:
            handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.close_connection = True
        with suppress(OSError):
            for _ in range(64):
                part = b" " * 1_000_000
                handler.wfile.write(packer.compress(part) if self.packed else part)
            handler.wfile.write(packer.flush() if self.packed else b"")


Told = Callable[[Seen], tuple[Answer, dict[str, str]]]


# ---------------------------------------------------------------- certificates
@dataclass(frozen=True)
class Authority:
    """A certificate authority; `certificate` is the file with which it is trusted."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    own: x509.Certificate

    @property
    def certificate(self) -> Path:
        return self.folder / "ca.pem"

    def server(self, *names: str) -> ssl.SSLContext:
        """The context of a server with these names."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = [_alternative(name) for name in names]
        issued = (
            _builder(names[0], self.own.subject, key)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
            .sign(self.key, hashes.SHA256())
        )
        path = self.folder / f"{names[0].replace('*', 'any')}.pem"
        path.write_bytes(_pem(key) + issued.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def make_authority(folder: Path, name: str = "Authority of a test") -> Authority:
    """A new authority that keeps its files in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    own = (
        _builder(name, subject, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(own.public_bytes(serialization.Encoding.PEM))
    return Authority(folder, key, own)


def _builder(
    name: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


# --------------------------------------------------------------------- serving
class _Handler(BaseHTTPRequestHandler):
    """Notes a request and sends what the stand-in answers."""

    protocol_version = "HTTP/1.1"

    def __init__(self, answer: Told, *words: object):
        self._answer = answer
        super().__init__(*words)  # type: ignore[arg-type]

    def _do(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        (status, told), more = self._answer(Seen(self.command, parts.path, query, headers, body))
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **more}.items():
            self.send_header(name, value)
        if isinstance(told, Flood):
            told.send(self)
            return
        data = b"" if told is None else json.dumps(told).encode()
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = _do  # noqa: N815  (as the server calls them)

    def log_message(self, *_: object) -> None: ...


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that goes away is no news."""


@contextmanager
def _serving(handler: Callable[..., object], tls: ssl.SSLContext | None) -> Iterator[int]:
    """A server on a free loopback port."""
    server = _Server(("127.0.0.1", 0), handler)  # type: ignore[arg-type]
    if tls is not None:
        # The handshake is done by the thread of the connection.
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Proxy(BaseHTTPRequestHandler):
    """Leads CONNECT to a host to a port of this machine, nowhere else."""

    def __init__(self, ports: dict[str, int], *words: object):
        self._ports = ports
        super().__init__(*words)  # type: ignore[arg-type]

    def do_CONNECT(self) -> None:
        port = self._ports.get(self.path.rpartition(":")[0])
        if port is None:
            self.send_error(502)
            return
        with socket.create_connection(("127.0.0.1", port)) as there:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_pump, args=(there, self.connection), daemon=True)
            back.start()
            _pump(self.connection, there)
            back.join(timeout=5)
        self.close_connection = True

    def log_message(self, *_: object) -> None: ...


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


# ------------------------------------------------------------------- stand-ins
@dataclass
class Vaults:
    """The stand-ins, what they know, what they were asked, and how to make them misbehave."""

    folder: Path
    secrets: dict[str, str] = field(default_factory=dict)
    fields: dict[str, dict[str, object]] = field(default_factory=dict)
    identities: set[str | None] = field(default_factory=lambda: {CLIENT_ID})
    denied: set[str] = field(default_factory=set)
    resource: str = "https://vault.azure.net"
    fault: Answer | None = None
    identity_fault: Answer | None = None
    slow: float = 0
    moved_to: str | None = None
    asked_identity: list[Seen] = field(default_factory=list)
    asked_key_vault: list[Seen] = field(default_factory=list)
    asked_vault: list[Seen] = field(default_factory=list)
    issued: set[str] = field(default_factory=lambda: {VAULT_TOKEN})
    environment: dict[str, str] = field(default_factory=dict)

    # learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
    def identity(self, seen: Seen) -> tuple[Answer, dict[str, str]]:
        self.asked_identity.append(seen)
        if self.identity_fault is not None:
            return self.identity_fault, {}
        trusted = seen.headers.get("metadata") == "true" or "x-identity-header" in seen.headers
        if not trusted:
            return (400, {"error": "invalid_request"}), {}
        if seen.query.get("client_id") not in self.identities:
            told = {"error": "invalid_request", "error_description": "Identity not found"}
            return (400, told), {}
        end = str(int(time.time()) + 3600)
        resource = seen.query.get("resource")
        token = {"access_token": ACCESS_TOKEN, "expires_in": "3600", "expires_on": end,
                 "resource": resource, "token_type": "Bearer"}  # fmt: skip
        return (200, token), {}

    # Of the vault: learn.microsoft.com/rest/api/keyvault/secrets/get-secret
    def key_vault(self, seen: Seen) -> tuple[Answer, dict[str, str]]:
        self.asked_key_vault.append(seen)
        time.sleep(self.slow)
        if self.moved_to is not None:
            return (307, None), {"Location": self.moved_to}
        if seen.headers.get("authorization") != f"Bearer {ACCESS_TOKEN}":
            authority = f"https://login.microsoftonline.com/{TENANT}"
            challenge = f'Bearer authorization="{authority}", resource="{self.resource}"'
            return (401, _azure_error("Unauthorized")), {"WWW-Authenticate": challenge}
        if self.fault is not None:
            return self.fault, {}
        _, _, name, *version = seen.path.split("/")
        if name in self.denied:
            return (403, _azure_error("Forbidden", "ForbiddenByRbac")), {}
        value = self.secrets.get("/".join([name, *filter(None, version)]))
        if value is None or seen.method != "GET":
            return (404, _azure_error("SecretNotFound")), {}
        return (200, {"value": value, "id": f"https://{KEY_VAULT}/secrets/{name}/1"}), {}

    # Of HashiCorp Vault: developer.hashicorp.com/vault/api-docs
    def vault(self, seen: Seen) -> tuple[Answer, dict[str, str]]:
        self.asked_vault.append(seen)
        time.sleep(self.slow)
        if self.moved_to is not None:
            return (307, None), {"Location": self.moved_to}
        if self.fault is not None:
            return self.fault, {}
        return self._answer_of_vault(seen), {}

    def _answer_of_vault(self, seen: Seen) -> Answer:
        if seen.path == "/v1/auth/approle/login":
            if json.loads(seen.body) != {"role_id": ROLE_ID, "secret_id": SECRET_ID}:
                return 400, {"errors": ["invalid role or secret ID"]}
            self.issued.add(issued := f"issued-{len(self.issued)}")
            return 200, {"auth": {"client_token": issued}}
        token = seen.headers.get("x-vault-token", "")
        if token not in self.issued:
            return 403, {"errors": ["permission denied"]}
        if seen.path == "/v1/auth/token/revoke-self":
            self.issued.discard(token)
            return 204, None
        if seen.path == "/v1/auth/token/lookup-self":
            return 200, {"data": {"policies": ["default"]}}
        return self._fields(seen)

    def _fields(self, seen: Seen) -> Answer:
        mount, _, path = seen.path.removeprefix("/v1/").partition("/data/")
        place = "/".join([*filter(None, [seen.headers.get("x-vault-namespace")]), mount, path])
        if place in self.denied:
            return 403, {"errors": ["1 error occurred: permission denied"]}
        found = self.fields.get(place + (f"@{v}" if (v := seen.query.get("version")) else ""))
        return (404, {"errors": []}) if found is None else (200, {"data": {"data": found}})


def _azure_error(code: str, inner: str | None = None) -> dict[str, object]:
    told: dict[str, object] = {"code": code, "message": f"Caller: appid={CLIENT_ID}"}
    return {"error": told | ({"innererror": {"code": inner}} if inner else {})}


@contextmanager
def serve_vaults(folder: Path, *, trusted: bool = True) -> Iterator[Vaults]:
    """All stand-ins; `environment` leads a program to them. Not `trusted`: of another authority."""
    authority = make_authority(folder / "tls")
    known = authority if trusted else make_authority(folder / "other", "Another authority")
    vaults = Vaults(folder)
    with ExitStack() as stack:

        def serve(answer: Told, tls: ssl.SSLContext | None) -> int:
            return stack.enter_context(_serving(partial(_Handler, answer), tls))

        identity = serve(vaults.identity, None)
        vault = serve(vaults.vault, authority.server(HASHI_VAULT, "127.0.0.1"))
        ports = {
            KEY_VAULT: serve(vaults.key_vault, authority.server("*.vault.azure.net")),
            HASHI_VAULT: vault,
        }
        proxy = stack.enter_context(_serving(partial(_Proxy, ports), None))
        vaults.environment = {
            "AZURE_POD_IDENTITY_AUTHORITY_HOST": f"http://127.0.0.1:{identity}",
            "REQUESTS_CA_BUNDLE": str(known.certificate),
            "HTTPS_PROXY": f"http://127.0.0.1:{proxy}",
            "NO_PROXY": "127.0.0.1,localhost",
            "VAULT_ADDR": f"https://{HASHI_VAULT}",
            "VAULT_TOKEN": VAULT_TOKEN,
            "HOME": str(folder),
        }
        yield vaults
