"""The base images of a Dockerfile as ACR's own scanner sees them; text in, data out.

Line by line and with its gaps (no continuation, no `--platform`, no heredoc, names of stages by
their exact letters), for `compat: acb`; what is really built from says `dockerfile.base_images`.
Source: the scanner of https://github.com/Azure/acr-builder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.taskfile.dockerfile.logicallines import DockerfileError

Reference = dict[str, str]

_HUB = "registry.hub.docker.com"
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_HOST_PART = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_REFERENCE = re.compile(
    rf"(?:(?P<host>{_HOST_PART}(?:\.{_HOST_PART})*(?::[0-9]+)?)/)?"
    rf"(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*:[0-9A-Fa-f]{32,}))?",
    re.ASCII,
)
_LONGEST_REFERENCE = 1024
_SPECIAL = "*#$@!?-0123456789"


def scan(
    text: str,
    *,
    build_args: Sequence[str] = (),
    tags: Sequence[str] = (),
    target: str | None = None,
    revision: str = "",
) -> list[dict[str, Any]]:
    """One entry for each tag (one with no image if there is none), in ACR's shape.

    `build_args` are `NAME=value` words, `revision` the context's commit. Raises DockerfileError
    where that scanner fails.
    """
    origins = _origins(text, _arguments(build_args), target)
    runtime = origins[-1]
    buildtime: dict[str, Reference] = {}
    for origin in origins:
        if origin != runtime:
            reference = read_reference(origin)
            buildtime.setdefault(_normal(reference), reference)
    dependencies = {
        "runtime-dependency": read_reference(runtime),
        "buildtime-dependency": list(buildtime.values()) or None,
        "git": {"git-head-revision": revision},
    }
    images: list[Reference | None] = [read_reference(tag) for tag in tags]
    return [{"image": image, **dependencies} for image in images or [None]]


def _normal(reference: Reference) -> str:
    found = f"{reference['registry']}/{reference['repository']}"
    return f"{found}:{reference.get('tag', '')}@{reference['digest']}"


def _arguments(words: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise DockerfileError(f"the build argument {name!r} has no value", 0)
        found[name] = value
    return found


def _origins(text: str, arguments: Mapping[str, str], target: str | None) -> list[str]:
    """Where each stage comes from in the end, in order, up to the target."""
    values = dict(arguments)
    stages: dict[str, str] = {}
    origins: list[str] = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0].upper() == "ARG" and len(words) > 1:
            name, equals, default = words[1].partition("=")
            if equals:
                values.setdefault(name, default.strip("\"'"))
        elif words[0].upper() == "FROM":
            image, name = _from(words, values, number)
            origin = stages.get(image) or _checked(image, number)
            origins.append(origin)
            stages |= {name: origin} if name else {}
            if target and name == target:
                break
    if not origins:
        raise DockerfileError("there is no FROM", 1)
    return origins


def _from(words: list[str], values: Mapping[str, str], line: int) -> tuple[str, str]:
    """The image and the stage's name of a FROM line."""
    named = len(words) >= 4 and words[2].upper() == "AS"
    if not (len(words) == 2 or named) or words[1].startswith("--"):
        raise DockerfileError("this FROM cannot be understood", line)
    return _expand(words[1].strip("\"'"), values), words[3] if named else ""


def _checked(image: str, line: int) -> str:
    try:
        read_reference(image)
    except DockerfileError as error:
        raise DockerfileError(str(error), line) from None
    return image


def _expand(text: str, values: Mapping[str, str]) -> str:
    """`$V` and `${V}` as Go's os.Expand does it; unknown names are empty."""
    parts: list[str] = []
    at = 0
    while (start := text.find("$", at)) >= 0 and start + 1 < len(text):
        parts.append(text[at:start])
        name, length = _name(text[start + 1 :])
        parts.append(values.get(name, "") if name else "$" * (length == 0))
        at = start + 1 + length
    return "".join([*parts, text[at:]])


def _name(text: str) -> tuple[str, int]:
    """The name after a `$` and how many characters it takes; no name but a length: bad, eaten."""
    if text[0] == "{":
        end = text.find("}")
        return (text[1:end], end + 1) if end > 0 else ("", 1)
    if text[0] in _SPECIAL:
        return text[0], 1
    match = re.match(r"[A-Za-z0-9_]*", text)
    name = match[0] if match else ""
    return name, len(name)


def read_reference(text: str) -> Reference:
    """An image name in ACR's parts: registry, repository, tag, digest, reference.

    A host without a dot is a user of Docker Hub. Raises DockerfileError.
    """
    match = _REFERENCE.fullmatch(text) if len(text) <= _LONGEST_REFERENCE else None
    if match is None:
        raise DockerfileError(f"{text[:80]!r} is no image name", 0)
    host, path, digest = match["host"], match["path"], match["digest"] or ""
    found: Reference = {}
    if host and "." in host:
        found |= {"registry": host, "repository": path}
    else:
        found |= {"registry": _HUB, "repository": f"{host or 'library'}/{path}"}
    # A port counts as a tag there.
    if ":" not in text and not digest:
        text, found["tag"] = f"{text}:latest", "latest"
    elif match["tag"]:
        found["tag"] = match["tag"]
    return found | {"digest": digest, "reference": text}
