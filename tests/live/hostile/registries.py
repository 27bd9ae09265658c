"""Artifacts: a manifest and blobs, from a server that may lie or pushed to a real registry."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.live.hostile.places import Answer, page

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
TAR = "application/vnd.oci.image.layer.v1.tar"
TITLE = "org.opencontainers.image.title"
UNPACK = "io.deis.oras.content.unpack"


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def layer(data: bytes, kind: str = TAR, **more: Any) -> dict[str, Any]:
    """What a manifest says of a layer; `annotations` and lies may be given."""
    return {"mediaType": kind, "digest": digest(data), "size": len(data), **more}


def manifest(layers: Sequence[dict[str, Any]], **more: Any) -> bytes:
    config = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(b"{}"), "size": 2}
    whole = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": list(layers)}
    return json.dumps({**whole, **more}).encode()


@dataclass
class Lies:
    """A registry of one artifact; `blobs` by the digest that they are asked for by."""

    manifest: bytes
    blobs: dict[str, bytes] = field(default_factory=dict)

    def __call__(self, path: str) -> Answer:
        if "/manifests/" in path:
            return page(self.manifest, Content_Type=MANIFEST)
        found = self.blobs.get(path.rpartition("/")[2])
        return page(b"{}", 404) if found is None else page(found)


def push(
    registry: str, repository: str, tag: str, layers: Sequence[tuple[dict[str, Any], bytes]]
) -> str:
    """Push an artifact to a real registry; the digest of its manifest."""
    base = f"http://{registry}/v2/{repository}"
    with httpx.Client(trust_env=False) as client:
        for data in [b"{}", *(data for _, data in layers)]:
            place = client.post(f"{base}/blobs/uploads/").headers["Location"]
            answer = client.put(
                place + ("&" if "?" in place else "?") + f"digest={digest(data)}", content=data
            )
            answer.raise_for_status()
        body = manifest([told for told, _ in layers])
        sent = client.put(
            f"{base}/manifests/{tag}", content=body, headers={"Content-Type": MANIFEST}
        )
        sent.raise_for_status()
    return digest(body)
