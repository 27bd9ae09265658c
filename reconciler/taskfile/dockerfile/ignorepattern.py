"""One pattern of an ignore file: what it matches, and whether it can be read. Reads no files.

Go's expressions are RE2's: its library reads them as Docker does, and takes linear time for a
pattern that somebody wrote to keep a builder busy.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

import re2

SIGNS = frozenset("+()|{}")
_ESCAPED = SIGNS | frozenset(".$")


def cleaned(path: str) -> str:
    """A pattern without `.`, `..`, doubled and leading slashes."""
    if not path:
        return ""
    clean = re.sub("^//", "/", posixpath.normpath(path))
    return clean.removeprefix("/") if len(clean) > 1 else clean


def is_plain(words: list[str]) -> bool:
    """True if Docker compares it as text: at most one `**`, at its beginning or its end."""
    if any(word in {"*", "?", "[", "]"} or word[:1] == "\\" for word in words):
        return False
    stars = [place for place, word in enumerate(words) if word.startswith("**")]
    return stars in ([], [0], [len(words) - 1])


def matcher(pattern: str) -> Callable[[str], object]:
    """What a pattern matches. Raises re2.error if it is no expression.

    The short ways of Docker's code are its meaning, too.
    """
    words = words_of(pattern)
    if is_plain(words):
        return _comparison(pattern)
    last = len(words) - 1
    if words[last] == "\\":
        # Docker puts its `$` behind it: a dollar, and no end.
        words[last], last = "\\$(?s:.*)", len(words)
    regex = "".join(_piece(word, last=place == last) for place, word in enumerate(words))
    matches: Callable[[str], object] = re2.compile(_text(regex), _options()).fullmatch
    return lambda path: matches(_text(path))


def _options() -> re2.Options:
    options = re2.Options()
    options.log_errors = False  # it would write on standard error
    return options


def _text(name: str) -> str:
    """A name whose bytes are no UTF-8, as Go reads it."""
    return name if name.isascii() else _NO_TEXT.sub("\ufffd", name)


def _comparison(pattern: str) -> Callable[[str], object]:
    if pattern.startswith("**"):
        return _ending(pattern[2:])
    if pattern.endswith("**"):
        beginning = pattern[:-2]
        return lambda path: path.startswith(beginning)
    return pattern.__eq__


def _ending(end: str) -> Callable[[str], object]:
    whole = end.removeprefix("/") if end.startswith("/") else None
    return lambda path: path.endswith(end) or path == whole


_NO_TEXT = re.compile("[\ud800-\udfff]")
_WORD = re.compile(r"\*\*/?|\\.|.", re.DOTALL)


def words_of(pattern: str) -> list[str]:
    """A pattern in pieces: `**` with its slash, an escaped character, a character."""
    return _WORD.findall(pattern)


def _piece(word: str, *, last: bool) -> str:
    if word.startswith("**"):
        return ".*" if last else "(?:.*/)?"
    if word in {"*", "?"}:
        return "[^/]*" if word == "*" else "[^/]"
    return f"\\{word}" if word in _ESCAPED else word
