"""What happens to a task file's lines before anything is rendered: comments and the version line.

ACR's engine deletes every line that starts with `#`, in scripts inside block texts too. Read
strictly, such lines stay in block texts, and comments elsewhere are left alone by aliases and
templates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from reconciler.taskfile.trace import Traced

# Stand for `{` and the leading `#` of a comment while the text is rendered (see vault.RESERVED).
HELD_BRACE, HELD_HASH = "\ue102", "\ue103"

_BLOCK_HEADER = re.compile(r"(?:^|[:?-]\s+)(?:[&!]\S*\s+)*[|>][-+0-9]{0,2}\s*(?:\s#.*)?$")
_PREFIX = re.compile(r"( *)((?:-\s+)*)(.?)")
_VERSION = re.compile(r"[\"']*version")


def without_comments(source: Traced) -> Traced:
    """The text without the lines that start with `#`, wherever they stand."""
    kept = [
        (line, number)
        for line, number in zip(source.text.split("\n"), source.lines, strict=True)
        if not line.lstrip().startswith("#")
    ]
    text = "\n".join(line for line, _ in kept)
    return Traced(text, tuple(number for _, number in kept) or (1,))


def held_comments(source: Traced) -> Traced:
    """The text with comments outside of block texts made invisible to aliases and templates."""
    lines = source.text.split("\n")
    for number in _comment_lines(lines):
        held = lines[number].replace("#", HELD_HASH, 1)
        lines[number] = held.replace("{{", HELD_BRACE * 2)
    return Traced("\n".join(lines), source.lines)


def released(source: Traced) -> Traced:
    """The text with held characters as they were."""
    text = source.text.replace(HELD_HASH, "#").replace(HELD_BRACE, "{")
    return Traced(text, source.lines)


def _comment_lines(lines: list[str]) -> Iterator[int]:
    block: int | None = None  # the blanks before what the block text belongs to
    for number, line in enumerate(lines):
        content = line.lstrip(" \t")
        indent = len(line) - len(line.lstrip(" "))
        if block is not None and (not content.strip() or indent > block):
            continue
        block = None
        if content.startswith("#"):
            yield number
        elif _BLOCK_HEADER.search(line):
            block = _parent(line)


def _parent(line: str) -> int:
    """How far what a block text belongs to is indented; its content is indented further."""
    match = _PREFIX.match(line)
    if match is None:
        return 0
    start = len(match[1]) + len(match[2])
    if match[3] in {"|", ">"} and match[2]:
        return line.rindex("-", 0, start)  # an item of a list that is a block text itself
    return start


def find_version(text: str) -> tuple[str, int] | None:
    """The value of the first line that starts with `version`, and its number from 1.

    By lines and not as YAML, as ACR's engine does it: this decides whether aliases are expanded.
    """
    for number, line in enumerate(text.split("\n"), 1):
        if _VERSION.match(line):
            key, colon, value = line.partition(":")
            if colon and key.strip(" \t\"'") == "version":
                return value.strip(" \t\r\"'"), number
    return None


def expands_aliases(text: str, *, strict: bool) -> bool:
    """True if the version line asks for v1.1.0 or later."""
    found = find_version(text)
    if found is None:
        return False
    if not strict:
        return found[0] >= "v1.1.0"  # ACR's engine compares the texts
    return re.sub(r"\s+#.*", "", found[0]).strip(" \t\"'").lower() == "v1.1.0"
