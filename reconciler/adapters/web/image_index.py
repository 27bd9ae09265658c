"""What a manifest of a registry says: an image, or the digest of one per platform. Asks nobody."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from reconciler.base.errors import RegistryRefused
from reconciler.model.platform import canonical_platform

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NAMED = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[A-Za-z0-9=_-]{1,200}")
INDEXES = frozenset(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    )
)


def read_manifest(body: bytes, kind: str) -> dict[str, str]:
    """The digests by platform of what is sent as a media type; none for one image for all.

    Raises RegistryRefused if it is not what the type says.
    """
    if kind in INDEXES:
        return read_index(body)
    try:
        found = json.loads(body)
        own, config = found.get("mediaType", kind), found["config"]["digest"]
        layers = [layer["digest"] for layer in found["layers"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise RegistryRefused("the registry sends a manifest that is none") from None
    if own != kind or not all(_NAMED.fullmatch(str(one)) for one in (config, *layers)):
        raise RegistryRefused("the registry sends a manifest that is none")
    return {}


def read_index(body: bytes) -> dict[str, str]:
    """The digests of an index by platform. Raises RegistryRefused if they cannot be told.

    What is for no platform (provenance and the like) is left out, and so are platforms that no
    task can have. Of several for one kind of Windows, the first counts, as for the engine.
    """
    try:
        entries = json.loads(body)["manifests"]
        if not entries:
            raise RegistryRefused("the registry sends an index without an image")
        found: dict[str, str] = {}
        for entry in entries:
            _add_entry(found, entry)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise RegistryRefused("the registry sends an index that cannot be read") from None
    return found


def _add_entry(found: dict[str, str], entry: Mapping[str, Any]) -> None:
    if entry.get("mediaType") in INDEXES:
        raise RegistryRefused("the registry sends an index within an index")
    told, digest = entry.get("platform") or {}, str(entry["digest"])
    words = [told.get("os"), told.get("architecture"), told.get("variant")]
    try:
        platform = canonical_platform("/".join(str(word) for word in words if word))
    except ValueError:
        return
    if not DIGEST.fullmatch(digest):
        raise RegistryRefused("the registry sends an index with a digest that is none")
    if found.setdefault(platform, digest) != digest and not told.get("os.version"):
        raise RegistryRefused(f"the registry sends an index with two images for {platform}")
