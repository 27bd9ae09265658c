"""What a Dockerfile adds from elsewhere than its context and its images. Fetches nothing.

https://docs.docker.com/reference/dockerfile/#add
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.taskfile.dockerfile.instructions import Instruction, parse, trigger
from reconciler.taskfile.dockerfile.logicallines import DockerfileError

# A scheme, or the short form of a repository over SSH: USER@HOST:PATH.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|[^/]*@[^/]*:")
# Some builders go on looking for directives after a comment, others do not.
_LATE_ESCAPE = re.compile(r"(?i)\ufeff?(?:\s*(?:#[^\n]*)?\n)*?\s*#\s*escape\s*=\s*`")
_BLANKS = re.compile(r"[\t\v\f\r ]+")
# Builders take these off, in a JSON list too.
_QUOTES = str.maketrans("", "", "'\"\\`")


@dataclass(frozen=True, slots=True)
class Addition:
    """An ADD of something that is fetched, or that a variable may make so, and its line."""

    source: str
    line: int


def additions(text: str | bytes) -> list[Addition]:
    """The sources of ADD that the builder may fetch. Raises DockerfileError.

    A variable may be anything, for base images and ENV set it too: what has one before its first
    `/` may become an address.
    """
    found = []
    dockerfile = parse(text)
    if dockerfile.escape == "\\" and (late := _LATE_ESCAPE.match(dockerfile.text)):
        line = late[0].count("\n") + 1
        raise DockerfileError("only some builders see this escape directive; put it first", line)
    for instruction in dockerfile.instructions:
        item = trigger(instruction) if instruction.name == "ONBUILD" else instruction
        if item.name == "ADD":
            found += [Addition(source, item.line) for source in _fetched(item)]
    return found


def _fetched(instruction: Instruction) -> Iterator[str]:
    text = instruction.arguments
    words = json.loads(text) if instruction.is_json else _BLANKS.split(text)
    return (word.translate(_QUOTES) for word in words[:-1] if _may_lead_out(word))


def _may_lead_out(word: str) -> bool:
    fixed, variable, _ = word.translate(_QUOTES).partition("$")
    if not variable:
        return _ADDRESS.match(fixed) is not None
    first, slash, _ = fixed.partition("/")
    return not slash or ":" in first
