"""Whether a Dockerfile has itself read by a program from an image (`# syntax=`). Runs none.

BuildKit looks for it in three spellings, and goes on over other directives and `#!` lines:
https://docs.docker.com/build/buildkit/frontend/ . Looked for here wherever any release may find it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from reconciler.taskfile.dockerfile.logicallines import decode

_DIRECTIVE = re.compile(r"(?i)\s*(?:#|//)\s*syntax\s*=\s*(\S+)")
_COMMENT = re.compile(r"\s*(?:#|//|$)")


@dataclass(frozen=True, slots=True)
class Frontend:
    """The image that reads the file (or the line that names one), and the line's number."""

    image: str
    line: int


def frontend(text: str | bytes) -> Frontend | None:
    """The frontend that a Dockerfile asks for, or None. Raises DockerfileError for a large file."""
    shown = decode(text) if isinstance(text, bytes) else text
    # Only these end a line for the builder.
    for number, line in enumerate(shown.removeprefix("\ufeff").split("\n"), 1):
        if match := _DIRECTIVE.match(line):
            return Frontend(match[1], number)
        if not _COMMENT.match(line):
            # A file in JSON is for another frontend, or names it: {"syntax": "image"}.
            return Frontend(line.strip(), number) if line.lstrip().startswith("{") else None
    return None
