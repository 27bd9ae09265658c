"""A Dockerfile's physical lines joined into logical ones, and its directives; splits no line.

The rules are those of BuildKit's Dockerfile parser.
https://docs.docker.com/reference/dockerfile/#parser-directives
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.taskfile.dockerfile.shellreader import SPACES

SIZE_LIMIT = 1024 * 1024

_DIRECTIVES = {"syntax", "escape", "check"}
_BYTE_ORDER_MARK = "\ufeff"


class DockerfileError(ValueError):
    """A Dockerfile that cannot be read; `line` counts from 1 (0: not one line's fault)."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message, line)
        self.message = message
        self.line = line

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Directive:
    """`# name=value` at the top of the file."""

    name: str
    value: str
    line: int


def decode(content: str | bytes, *, limit: int = SIZE_LIMIT) -> str:
    """Text of a Dockerfile; bytes that are not UTF-8 survive as surrogate escapes."""
    if len(content) > limit:
        raise DockerfileError(f"the Dockerfile is larger than {limit} bytes", 1)
    if isinstance(content, str):
        return content
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DockerfileError("the Dockerfile is UTF-16; save it as UTF-8", 1)
    return content.decode("utf-8", errors="surrogateescape")


@dataclass(slots=True)
class Source:
    """A cursor over physical lines."""

    text: str
    at: int = 0
    line: int = 0

    def next(self) -> tuple[int, str] | None:
        """Offset and text of the next line without its end, or None at the end of the file."""
        if not self.line and self.text.startswith(_BYTE_ORDER_MARK):
            self.at = 1
        if self.at >= len(self.text):
            return None
        start, end = self.at, self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end + 1
        self.line += 1
        return start, self.text[start : self.at].rstrip("\r\n")


@dataclass(frozen=True, slots=True)
class Logical:
    """One joined line; `pieces` are (index in `text`, offset in the file) where a part begins."""

    text: str
    line: int
    pieces: tuple[tuple[int, int], ...]


def directives(text: str) -> dict[str, Directive]:
    """The directives: they end at the first line that is not one, even a blank one."""
    found: dict[str, Directive] = {}
    source = Source(text)
    while (item := source.next()) is not None:
        directive = _directive(item[1].lstrip(SPACES), source.line)
        if directive is None:
            break
        if directive.name in found:
            raise DockerfileError(f"only one {directive.name} directive can be used", source.line)
        if directive.name == "escape" and directive.value not in {"\\", "`"}:
            raise DockerfileError("the escape directive must be ` or \\", source.line)
        found[directive.name] = directive
    return found


def _directive(line: str, number: int) -> Directive | None:
    key, equals, value = line.removeprefix("#").partition("=")
    name, value = key.strip(SPACES).lower(), value.strip(SPACES)
    if not line.startswith("#") or not equals or not value or name not in _DIRECTIVES:
        return None
    return Directive(name, value, number)


def syntax(text: str, directives: dict[str, Directive]) -> Directive | None:
    """The frontend that is asked for: unlike the others, it may follow a `#!` line."""
    source = Source(text)
    first = source.next()
    if first is not None and first[1].startswith("#!"):
        second = source.next()
        found = _directive(second[1], source.line) if second else None
        return found if found and found.name == "syntax" else None
    return directives.get("syntax")


def logical_line(source: Source, escape: str) -> Logical | None:
    """The next instruction's line, its continuation lines joined; comments and blanks skipped."""
    while (item := source.next()) is not None:
        begun = item[1].lstrip(SPACES)
        if begun and not begun.startswith("#"):
            offset = item[0] + len(item[1]) - len(begun)
            return _joined(source, escape, begun, offset)
    return None


def _joined(source: Source, escape: str, begun: str, offset: int) -> Logical:
    line, length = source.line, 0
    parts: list[str] = []
    pieces: list[tuple[int, int]] = []
    body, continues = _without_continuation(begun, escape)
    while True:
        parts.append(body)
        pieces.append((length, offset))
        length += len(body)
        item = _next_content(source) if continues else None
        if item is None:
            return Logical("".join(parts), line, tuple(pieces))
        offset, physical = item
        body, continues = _without_continuation(physical, escape)


def _next_content(source: Source) -> tuple[int, str] | None:
    """The next line that is neither blank nor a comment: both may stand inside a continuation."""
    while (item := source.next()) is not None:
        if not item[1].lstrip(SPACES).startswith("#") and item[1].strip(SPACES):
            return item
    return None


def _without_continuation(line: str, escape: str) -> tuple[str, bool]:
    body = line.rstrip(" \t")
    if body.endswith(escape) and not body.endswith(escape + escape):
        return body[:-1], True
    return line, False
