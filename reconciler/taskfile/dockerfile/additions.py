"""What a Dockerfile adds from elsewhere than its context and its images. Fetches nothing.

https://docs.docker.com/reference/dockerfile/#add
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.taskfile.dockerfile.instructions import Instruction, parse, trigger
from reconciler.taskfile.dockerfile.shellwords import shell_words

_ELSEWHERE = re.compile(r"(?i)(https?|git|ssh)://|git@|\$")


@dataclass(frozen=True, slots=True)
class Addition:
    """An ADD of something that is fetched, or that a variable names, and its line."""

    source: str
    line: int


def additions(text: str | bytes) -> list[Addition]:
    """The sources of ADD that the builder may fetch. Raises DockerfileError.

    A source that begins with a variable may become an address.
    """
    found = []
    for instruction in parse(text).instructions:
        item = trigger(instruction) if instruction.name == "ONBUILD" else instruction
        if item.name == "ADD":
            found += [Addition(source, item.line) for source in _fetched(item)]
    return found


def _fetched(instruction: Instruction) -> Iterator[str]:
    text = instruction.arguments
    words = json.loads(text) if text.startswith("[") else shell_words(text, raw=False)
    return (word for word in words[:-1] if _ELSEWHERE.match(str(word)))
