"""Downloads an OCI artifact as the files of a context. Every byte is checked before it is unpacked.

Source: https://github.com/opencontainers/distribution-spec (pull) and the annotations of ORAS. A
layer is a tar, plain or packed by gzip, or a single file with a title.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin

from reconciler.adapters.archives.extract import Extractor
from reconciler.adapters.archives.inflate import Meter
from reconciler.adapters.fetch_fault import FetchError, FetchFault, sized
from reconciler.adapters.web.download import Client, Wanted
from reconciler.adapters.web.http_fault import NONSENSE
from reconciler.adapters.web.registry import CHALLENGE, base_url, trusted_realm
from reconciler.base.errors import RegistryRefused
from reconciler.base.text import one_line, plural
from reconciler.model.build import Login
from reconciler.model.context import Artifact

_MANIFESTS = {
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
}
_INDEXES = {
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
}
_LARGEST_MANIFEST = 4 * 1024 * 1024
_LARGEST_TOKEN = 64 * 1024
_TITLE = "org.opencontainers.image.title"
_UNPACK = "io.deis.oras.content.unpack"
_TAR = re.compile(r"[.+/]tar(\+gzip|\.gzip)?$")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class FetchedArtifact:
    """What was unpacked: the digest of its manifest, and what a person should know."""

    digest: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Layer:
    digest: str
    size: int
    title: str | None
    packed: bool  # a tar that is unpacked


def fetch_artifact(
    artifact: Artifact, folder: Path, place: Path, client: Client, login: Login | None
) -> FetchedArtifact:
    """Fill an empty folder with the files of an artifact. Raises FetchError.

    `place` is an empty folder for what is downloaded. Plain http for declared hosts only.
    """
    registry = _Registry(artifact, client, login)
    digest, manifest = registry.manifest(place / "manifest")
    layers, skipped = _layers(manifest, client)
    meter = Meter(client.limits)
    extractor = Extractor(folder, meter, _check(client))
    for number, layer in enumerate(layers):
        file = place / f"layer-{number}"
        registry.blob(layer, file)
        with file.open("rb") as opened:
            if layer.packed:
                extractor.unpack(opened)
            else:
                extractor.copy(opened, layer.title or "")
        file.unlink()
    extractor.finish()
    left = (f"{plural(skipped, 'layer')} without a name left out",) if skipped else ()
    return FetchedArtifact(digest, (*extractor.notes, *left))


def _check(client: Client) -> Callable[[], None]:
    def check() -> None:
        if client.stopping():
            raise FetchError(FetchFault.STOPPED, "stopped")

    return check


# ------------------------------------------------------------------ registry
class _Registry:
    """One repository, asked with the login that its registry wants."""

    def __init__(self, artifact: Artifact, client: Client, login: Login | None) -> None:
        self._artifact, self._client, self._login = artifact, client, login
        host = base_url(artifact.registry, client.guard.declared)
        self._url = f"{host}/v2/{artifact.repository}"
        self._authorization: str | None = None

    def manifest(self, file: Path) -> tuple[str, Mapping[str, Any]]:
        """The digest of the manifest, and what stands in it."""
        url = f"{self._url}/manifests/{self._artifact.reference}"
        accept = ", ".join(sorted(_MANIFESTS | _INDEXES))
        self._save(
            Wanted(url, accept=accept, digest=self._artifact.digest), file, _LARGEST_MANIFEST
        )
        data = file.read_bytes()
        return _digest(data), _read(data)

    def blob(self, layer: _Layer, file: Path) -> None:
        """Download a layer; it has the digest and the size that the manifest tells."""
        wanted = Wanted(f"{self._url}/blobs/{layer.digest}", digest=layer.digest, size=layer.size)
        self._save(wanted, file, layer.size)

    def _save(self, wanted: Wanted, file: Path, largest: int) -> None:
        """Ask, and once more with a new login where the last one is none or too old."""
        try:
            self._client.save(self._with_login(wanted), file, largest)
        except FetchError as error:
            if error.fault is not FetchFault.AUTH:
                raise
            self._authorization = self._new_login(wanted)
            if self._authorization is None:
                raise
            self._client.save(self._with_login(wanted), file, largest)

    def _with_login(self, wanted: Wanted) -> Wanted:
        return Wanted(wanted.url, self._authorization, wanted.accept, wanted.digest, wanted.size)

    def _new_login(self, wanted: Wanted) -> str | None:
        """The header that the registry's challenge asks for; None if we have none."""
        url, headers = self._client.head(Wanted(wanted.url, accept=wanted.accept))
        challenge = headers.get("WWW-Authenticate", "")
        basic = _basic(self._login) if self._login else None
        if not challenge.lower().startswith("bearer "):
            return basic
        fields = dict(CHALLENGE.findall(challenge))
        told = {name: fields[name] for name in ("service", "scope") if name in fields}
        try:
            realm = trusted_realm(fields.get("realm", ""), url.copy_with(host=self._host))
            asked = urljoin(realm, "?" + urlencode(told))
        except RegistryRefused as error:
            raise FetchError(FetchFault.AUTH, str(error)) from None
        except NONSENSE:
            message = "the registry sends logins to what is no address"
            raise FetchError(FetchFault.AUTH, message) from None
        return f"Bearer {self._token(asked, basic)}"

    @property
    def _host(self) -> str:
        return re.sub(r":[0-9]+$", "", self._artifact.registry).strip("[]")

    def _token(self, url: str, basic: str | None) -> str:
        found = _object(self._client.body(Wanted(url, basic), _LARGEST_TOKEN))
        token = str(found.get("token") or found.get("access_token") or "")
        if not token.isascii() or not token.isprintable():
            raise FetchError(FetchFault.AUTH, "the registry's token is none")
        return token


def _basic(login: Login) -> str:
    pair = f"{login.username}:{login.password}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


# ------------------------------------------------------------------ manifest
def _digest(data: bytes) -> str:
    return f"sha256:{sha256(data).hexdigest()}"


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _wrong("the registry answers with no JSON object")
    return found


def _read(data: bytes) -> Mapping[str, Any]:
    found = _object(data)
    kind = found.get("mediaType")
    if kind in _INDEXES or "manifests" in found:
        raise _wrong("it is an index of several artifacts; name one of them by its digest")
    if kind is not None and kind not in _MANIFESTS:
        raise _wrong(f"its manifest is of the kind {one_line(str(kind), 80)}")
    return found


def _layers(manifest: Mapping[str, Any], client: Client) -> tuple[list[_Layer], int]:
    """The layers to take, and how many have neither a name nor are tars."""
    listed = manifest.get("layers")
    if not isinstance(listed, list):
        raise _wrong("its manifest has no layers")
    limits = client.limits
    if len(listed) > limits.layers:
        raise _wrong(f"it has {len(listed):,} layers; at most {limits.layers} are taken")
    found = [_layer(item) for item in listed]
    if sum(layer.size for layer in found) > limits.packed:
        raise _wrong(f"it has more than {sized(limits.packed)}")
    taken = [layer for layer in found if layer.packed or layer.title]
    if not taken:
        raise _wrong("it holds no files")
    return taken, len(found) - len(taken)


def _layer(item: Any) -> _Layer:
    described = item if isinstance(item, dict) else {}
    digest, size = described.get("digest"), described.get("size")
    if not (isinstance(digest, str) and _DIGEST.fullmatch(digest)):
        raise _wrong("a layer of it has no sha256 digest")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise _wrong("a layer of it has no size")
    notes = described.get("annotations")
    notes = notes if isinstance(notes, dict) else {}
    title = notes.get(_TITLE)
    title = title if isinstance(title, str) and title else None
    is_tar = _TAR.search(str(described.get("mediaType", ""))) is not None
    return _Layer(digest, size, title, notes.get(_UNPACK) == "true" or (is_tar and title is None))


def _wrong(message: str) -> FetchError:
    return FetchError(FetchFault.REFUSED, message)
