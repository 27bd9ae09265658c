"""A Dockerfile's text cut into instructions that remember where they stood; expands nothing.

The rules are those of BuildKit's Dockerfile parser: heredocs, flags, JSON lists.
https://docs.docker.com/reference/dockerfile/#format
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from dataclasses import dataclass, replace

from reconciler.taskfile.dockerfile.logicallines import (
    SIZE_LIMIT,
    Directive,
    DockerfileError,
    Logical,
    Source,
    decode,
    directives,
    logical_line,
    syntax,
)
from reconciler.taskfile.dockerfile.shellpattern import ShellWordError
from reconciler.taskfile.dockerfile.shellreader import SPACES
from reconciler.taskfile.dockerfile.shellwords import shell_words

_LIST_FORMS = {"ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME"}
_HEREDOC_FORMS = {"ADD", "COPY", "RUN"}
_HEREDOC = re.compile(r"[0-9]*<<(-?)([^<]+)")
_BLANKS = re.compile(r"[\t\v\f\r ]+")
_PLAIN = re.compile(rf"[^{re.escape(''.join(SPACES))}'\"\\]+")


@dataclass(frozen=True, slots=True)
class Heredoc:
    """One inline document; `content` is as written, `strip_tabs` says that it began with `<<-`."""

    name: str
    content: str
    strip_tabs: bool


@dataclass(frozen=True, slots=True)
class Flag:
    """`--name=value`; `cells[i]` are the places in the instruction's text that made `value[i]`."""

    name: str
    value: str | None
    cells: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its name in capitals, its flags, and the rest in its raw form.

    `text` is the logical line (continuation lines joined, comments inside them dropped),
    `arguments` the part of it from `arguments_at` on, JSON or shell form left as it is.
    Lines count from 1; `end_line` includes heredocs.
    """

    name: str
    flags: tuple[Flag, ...]
    arguments: str
    is_json: bool
    line: int
    end_line: int
    heredocs: tuple[Heredoc, ...]
    text: str
    arguments_at: int
    pieces: tuple[tuple[int, int], ...]

    def source_offset(self, index: int) -> int:
        """Where the character `text[index]` stands in the whole file's text."""
        start, offset = self.pieces[bisect_right(self.pieces, index, key=_first) - 1]
        return offset + index - start


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """A whole file: `text` is what it was read from, character for character."""

    text: str
    escape: str
    syntax: Directive | None
    instructions: tuple[Instruction, ...]


def parse(content: str | bytes, *, limit: int = SIZE_LIMIT) -> Dockerfile:
    """Cut a Dockerfile into instructions, in time linear in its length.

    `limit` is the largest accepted size, in bytes for bytes and in characters for text.
    Unknown instructions are kept. Raises DockerfileError for a file that is too large, has no
    instruction, an unterminated heredoc, a wrong directive or a JSON list with something other
    than strings.
    """
    text = decode(content, limit=limit)
    found = directives(text)
    escape = found["escape"].value if "escape" in found else "\\"
    source, instructions = Source(text), []
    while (logical := logical_line(source, escape)) is not None:
        instructions.append(_instruction(logical, source))
    if not instructions:
        raise DockerfileError("the Dockerfile has no instruction", 1)
    return Dockerfile(text, escape, syntax(text, found), tuple(instructions))


def trigger(instruction: Instruction) -> Instruction:
    """The instruction inside an ONBUILD; its pieces point nowhere, for it is never rewritten."""
    logical = Logical(instruction.arguments, instruction.line, ((0, 0),))
    return _split(logical, instruction.end_line)


def _first(piece: tuple[int, int]) -> int:
    return piece[0]


def _instruction(logical: Logical, source: Source) -> Instruction:
    bare = _split(logical, source.line)
    names = _heredoc_names(bare)
    if not names:
        return bare
    heredocs = tuple(_heredoc(source, name, tabs, bare.line) for name, tabs in names)
    return replace(bare, end_line=source.line, heredocs=heredocs)


def _split(logical: Logical, end_line: int) -> Instruction:
    text = logical.text
    at = len(text) - len(text.lstrip(SPACES))
    end = len(text.rstrip(SPACES))
    blank = _BLANKS.search(text, at, end)
    name = text[at : blank.start() if blank else end].upper()
    flags, at = _flags(text, blank.end() if blank else end, end)
    arguments = text[at:end]
    is_json = name in _LIST_FORMS and _is_string_list(arguments, logical.line)
    pieces = logical.pieces
    return Instruction(
        name, flags, arguments, is_json, logical.line, end_line, (), text, at, pieces
    )


def _flags(text: str, at: int, end: int) -> tuple[tuple[Flag, ...], int]:
    """The `--flags` before the arguments and where the arguments begin; a bare `--` ends them."""
    flags: list[Flag] = []
    while True:
        while at < end and text[at] in SPACES:
            at += 1
        if not text.startswith("--", at, end):
            return tuple(flags), at
        word, cells, at = _flag_word(text, at, end)
        if word == "--":
            rest = text[at:end].lstrip(SPACES)
            return tuple(flags), end - len(rest)
        name, equals, value = word[2:].partition("=")
        cells = cells[len(word) - len(value) :]
        flags.append(Flag(name, value if equals else None, tuple(cells)))


def _flag_word(text: str, at: int, end: int) -> tuple[str, list[tuple[int, ...]], int]:
    """One word with quotes and backslashes taken off; here the escape directive has no say."""
    word: list[str] = []
    cells: list[tuple[int, ...]] = []
    quote = ""
    while at < end and (quote or text[at] not in SPACES):
        if not quote and (plain := _PLAIN.match(text, at, end)):
            # Nearly every word is one such piece: letter by letter it takes five times as long.
            word.append(plain[0])
            cells += zip(range(at, plain.end()))
            at = plain.end()
            continue
        char, step = text[at], 1
        if char == "\\":
            char, step = text[at + 1 : min(at + 2, end)], 2
        elif char == quote or (not quote and char in "'\""):
            quote, char = ("" if quote else char), ""
        if char:
            word.append(char)
            cells.append(tuple(range(at, at + step)))
        at += step
    return "".join(word), cells, min(at, end)


def _is_string_list(arguments: str, line: int) -> bool:
    if not arguments.startswith("["):
        return False
    try:
        # Numbers are not wanted, so they need not be converted (a long one would be refused).
        found = json.loads(arguments, parse_int=bool, parse_float=bool)
    except (ValueError, RecursionError):
        return False
    if not all(isinstance(item, str) for item in found):
        raise DockerfileError("a JSON list must hold strings only", line)
    return True


def _heredoc_names(instruction: Instruction) -> list[tuple[str, bool]]:
    """Name and `<<-` of each heredoc that the line opens; a line no shell could read opens none."""
    inner = trigger(instruction) if instruction.name == "ONBUILD" else instruction
    if "<<" not in instruction.text or inner.name not in _HEREDOC_FORMS or inner.is_json:
        return []
    try:
        words = shell_words(instruction.text, raw=True)
        return [found for word in words if (found := _heredoc_name(word))]
    except ShellWordError:
        return []


def _heredoc_name(word: str) -> tuple[str, bool] | None:
    match = _HEREDOC.fullmatch(word)
    names = shell_words(match[2], raw=False) if match else []
    return (names[0], bool(match[1])) if match and len(names) == 1 else None


def _heredoc(source: Source, name: str, strip_tabs: bool, line: int) -> Heredoc:
    start = source.at
    while (item := source.next()) is not None:
        if (item[1].lstrip("\t") if strip_tabs else item[1]) == name:
            return Heredoc(name, source.text[start : item[0]], strip_tabs)
    raise DockerfileError(f"unterminated heredoc <<{name}", line)
