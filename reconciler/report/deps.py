"""The base images of a build, as lines for people and as ACR's bare list for scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from reconciler.base.text import harmless, one_line, plural, table, wrap
from reconciler.operations.rendering.deps import Depends
from reconciler.taskfile.dockerfile.images import BaseImage

_NARROW = 60
_DIGEST = re.compile(r"(@[a-z0-9]+:[0-9a-f]{12})[0-9a-f]{5,}")


def deps_json(found: Depends) -> list[dict[str, Any]]:
    """The output of `deps -o json`: a bare list, an entry for each tag, as ACR has it."""
    return list(found.entries)


def deps_lines(found: Depends, width: int) -> list[str]:
    """The whole output of `deps`: each place of the Dockerfile that takes from an image."""
    entry = found.entries[0]
    rows = list(_places(found.places) if found.places else _entry(entry))
    lines = []
    if rows:
        header, *told = table(["LINE", "ROLE", "IMAGE"], rows)
        indent = " " * (header.index("IMAGE") if width >= _NARROW else 6)
        lines += [header, *(line for row in told for line in wrap(harmless(row), width, indent))]
        lines.append("")
    revision = entry["git"]["git-head-revision"]
    at = f" at {revision[:7]}" if revision else ""
    tags = [one["image"]["reference"] for one in found.entries if one["image"]]
    makes = f", for {', '.join(tags)}" if tags else ""
    count = len({image for _, _, image in rows})
    told_all = f"{found.file}{at}: {plural(count, 'image')}{makes}"
    return [*lines, *wrap(harmless(told_all), width, "  ")]


def _places(places: tuple[BaseImage, ...]) -> Iterator[list[str]]:
    for place in places:
        platform = f" ({place.platform})" if place.platform else ""
        yield [str(place.line or "-"), place.role, _short(place.reference) + platform]


def _entry(entry: dict[str, Any]) -> Iterator[list[str]]:
    """What ACR's scanner found, without lines."""
    runtime, buildtime = entry["runtime-dependency"], entry["buildtime-dependency"] or []
    found = [("buildtime", one) for one in buildtime]
    found += [("runtime", runtime)] if runtime else []
    for role, reference in found:
        yield ["-", role, _short(reference["reference"])]


def _short(reference: str) -> str:
    """A name with as much of its digest as a person compares; JSON has all of it."""
    return one_line(_DIGEST.sub(r"\1...", reference))
