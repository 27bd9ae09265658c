"""Image names: `[registry/]repository[:tag][@digest]`, with run variables still in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from reconciler.model.common import problem
from reconciler.model.variables import wrong_variable

_VARIABLE = re.compile(r"\{\{[^{}]*\}\}|\$[A-Za-z][A-Za-z0-9]*")
_HOME = re.compile(r"^(\{\{\s*\.Run\.Registry\s*\}\}|\$Registry)/")
_DIFFERS_BY_RUN = re.compile(r"\.Run\.(ID|Date)\b|\.Build\.ID\b|\$(ID|Date)\b")
_RUN_WORDS = (
    (re.compile(r"\{\{[^{}]*(\.Run|\.Build)\.ID\b[^{}]*\}\}|\$ID\b"), "{run id}"),
    (re.compile(r"\{\{[^{}]*\.Run\.Date\b[^{}]*\}\}|\$Date\b"), "{run date}"),
)
_LONGEST = 1024
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|\[[0-9a-fA-F:]+\]|[A-Za-z0-9-]+(?=:\d))"
_REFERENCE = re.compile(
    rf"(?:(?P<registry>{_HOST}(?::\d{{1,5}})?)/)?"
    rf"(?P<repository>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True, slots=True)
class ImageReference:
    """The parts of an image name; `registry` is None where none is written."""

    registry: str | None
    repository: str
    tag: str | None
    digest: str | None

    def __str__(self) -> str:
        host = f"{self.registry}/" if self.registry else ""
        tag = f":{self.tag}" if self.tag else ""
        return f"{host}{self.repository}{tag}" + (f"@{self.digest}" if self.digest else "")


def parse_reference(text: str) -> ImageReference:
    """The parts of a complete image name (grammar: the distribution reference). ValueError."""
    match = _REFERENCE.fullmatch(text)
    if match is None or len(match["repository"]) > 255:
        message = "an image name is [registry/]repository[:tag], in lower case"
        raise ValueError(message)
    return ImageReference(match["registry"], match["repository"], match["tag"], match["digest"])


def _image_name(text: str) -> str:
    wrong = wrong_variable(text)
    if wrong is not None:
        raise problem("variable", wrong)
    # Variables are checked when they have values; here they stand for one legal letter.
    if len(text) > _LONGEST:
        raise problem("image", f"an image name has at most {_LONGEST:,} characters")
    try:
        reference = parse_reference(_VARIABLE.sub("x", _HOME.sub("", text)))
    except ValueError as error:
        raise problem("image", str(error)) from None
    if reference.digest:
        raise problem("image", "an image that is written cannot carry a digest")
    return text


ImageName = Annotated[str, AfterValidator(_image_name)]


_PATTERN = re.compile(r"[a-z0-9*][a-z0-9._/:*-]{0,254}")


def _repository_pattern(text: str) -> str:
    tagged = ":" in text.rpartition("/")[2]
    if not _PATTERN.fullmatch(text) or tagged or text.strip("*/") == "":
        why = "a repository without tag, such as team/web, or team/* (any one part of a name)"
        raise problem("repository", f"{text!r} is no {why}")
    return text


RepositoryPattern = Annotated[str, AfterValidator(_repository_pattern)]


def names_repository(pattern: str, repository: str) -> bool:
    """True if a pattern means a repository; `*` stands for anything but a slash."""
    parts = [re.escape(part) for part in pattern.split("*")]
    return re.fullmatch("[^/]*".join(parts), repository) is not None


def output_key(image: str, login_server: str) -> str | None:
    """What two tasks may not both write: `server/repository:tag`.

    None if the tag differs from run to run (it holds the run id or the date).
    """
    if _DIFFERS_BY_RUN.search(image):
        return None
    name = _HOME.sub("", image)
    written = parse_reference(_VARIABLE.sub("x", name))
    if written.registry is None:
        name = f"{login_server}/{name}"
    host, _, rest = name.partition("/")
    return f"{host.lower()}/{rest}" + ("" if written.tag else ":latest")


def named_registry(image: str) -> str | None:
    """The registry host that is written in an image name, as docker reads it.

    None if none is written, or if it is a variable.
    """
    head = image.partition("/")[0]
    if _VARIABLE.search(head):
        return None
    return parse_reference(_VARIABLE.sub("x", image)).registry


def release_name(image: str, login_server: str) -> str:
    """`server/repository:tag` of an image that is written, for people and for comparing.

    What differs from run to run stands in braces: `shop-api:{run id}`.
    """
    name = _HOME.sub("", image)
    try:
        written = parse_reference(_VARIABLE.sub("x", name))
    except ValueError:  # a task file may name what only its run knows
        return name
    if written.registry is None:
        name = f"{login_server}/{name}"
    for pattern, word in _RUN_WORDS:
        name = pattern.sub(word, name)
    host, _, rest = name.partition("/")
    return f"{host.lower()}/{rest}" + ("" if written.tag else ":latest")


def taken_name(image: str, login_server: str) -> str:
    """The same of an image that is taken from: without a registry it comes from Docker Hub."""
    return release_name(image, login_server if _HOME.match(image) else "docker.io")
