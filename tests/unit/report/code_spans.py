"""Inline code as Markdown reads it, and the text around it."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt()
_RUN = re.compile(r"\\.|(`+)")


def spans(text: str) -> tuple[str, list[str]]:
    """What stands outside of inline code, and what each span of it says. Lines end all spans."""
    found = [_of_line(line) for line in text.split("\n")]
    return "\n".join(outside for outside, _ in found), [one for _, said in found for one in said]


def _of_line(line: str) -> tuple[str, list[str]]:
    outside, said, rest = "", [], line
    while match := _RUN.search(rest):
        end = re.search(rf"(?<!`){match[1]}(?!`)", rest[match.end() :]) if match[1] else None
        if end is None:  # an escaped letter, or a run that nothing ends
            outside, rest = outside + rest[: match.end()], rest[match.end() :]
            continue
        stop = match.end() + end.end()
        (token,) = _MARKDOWN.parseInline(rest[match.start() : stop])
        outside += rest[: match.start()]
        said += [child.content for child in token.children or () if child.type == "code_inline"]
        rest = rest[stop:]
    return outside + rest, said
