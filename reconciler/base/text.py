"""Text for a terminal: counting words, cutting, wrapping, tables; hostile text made harmless."""

from __future__ import annotations

import difflib
import functools
import re
import textwrap
from collections.abc import Iterable, Sequence

# Control characters, marks and overrides of writing direction, line separators, the invisible
# byte order mark, and bytes that were no text.
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+"
)


def plural(count: int, noun: str, many: str | None = None) -> str:
    """`1 task`, `1,240 tasks`."""
    word = noun if count == 1 else (many or noun + "s")
    return f"{count:,} {word}"


def harmless(text: str) -> str:
    """Text without control characters, terminal escapes and bidirectional overrides."""
    # Of what is printable nothing matches: asking costs a tenth of searching.
    if text.isprintable():
        return text
    return _CONTROL.sub(lambda match: "".join(map(_escaped, match[0])), text)


@functools.cache  # there are few of them, and binary output is made of them
def _escaped(character: str) -> str:
    return f"\\x{ord(character):02x}"


def harmless_json(text: str) -> str:
    """The same for a JSON text, which stays JSON with the same meaning.

    Two `#` that follow each other only stand in strings: one of them is escaped, so that the log of
    a CI service finds no `##vso[` in what it shows.
    """
    text = text.replace("##", "#\\u0023") if "##" in text else text
    return _CONTROL.sub(
        lambda match: "".join(f"\\u{ord(character):04x}" for character in match[0]), text
    )


def some_of(names: Sequence[str], most: int = 5) -> str:
    """`a, b and 3 more`: the first names of many, each on one line."""
    shown = ", ".join(one_line(name, 120) for name in names[:most])
    return shown + (f" and {len(names) - most:,} more" if len(names) > most else "")


def as_text(name: str) -> str:
    """A file name that can be stored: bytes that are no text become U+FFFD."""
    return name.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def cut(text: str, width: int) -> str:
    """At most `width` characters; a cut is shown by three dots."""
    return text if len(text) <= width else text[: max(width - 3, 0)] + "..."[:width]


def one_line(text: str, width: int = 200) -> str:
    """A value for a message: one line, harmless, cut."""
    return cut(harmless(text.replace("\n", "\\n").replace("\t", "\\t")), width)


def wrap(text: str, width: int, indent: str = "") -> list[str]:
    """Lines of at most `width` characters; further lines start with `indent`."""
    width = max(width, len(indent) + 8)
    if len(text) <= width and text.isprintable():
        return [text.rstrip()]  # what wrapping would give, at a tenth of its cost
    return textwrap.wrap(
        text,
        width,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=True,
    ) or [""]


def did_you_mean(word: str, allowed: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """The allowed word nearest to a wrong one, or None if none is near (1: it is the same)."""
    choices = list(allowed)
    by_lower = {choice.lower(): choice for choice in choices}
    if word.lower() in by_lower:
        return by_lower[word.lower()]
    near = difflib.get_close_matches(word, choices, n=1, cutoff=likeness)
    return near[0] if near else None


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Left-aligned columns, two blanks apart, without trailing blanks."""
    grid = [list(header), *[list(row) for row in rows]]
    widths = [max(len(row[i]) for row in grid) for i in range(len(header))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in grid
    ]
