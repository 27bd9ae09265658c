"""Whether Go's `filepath.Match` can read a pattern, asked as Docker does. Reads no files.

Docker matches each pattern with the name `.` and looks only for an error. Go goes through a pattern
in chunks, from one `*` to the next, and looks at no chunk behind the first that does not match.
https://github.com/golang/go/blob/go1.22.0/src/path/filepath/match.go
"""

from __future__ import annotations

import re

_NAME = "."
_CHUNK = re.compile(r"(\**)((?:\\.|\[(?:\\.|[^\]\\])*\]?|[^*\[])*)", re.DOTALL)
_MEMBER = r"(?:\\.|[^\]\\-])"
_CLASS = re.compile(rf"(\^?)((?:{_MEMBER}(?:-{_MEMBER})?)+)\]", re.DOTALL)
_RANGE = re.compile(rf"({_MEMBER})(?:-({_MEMBER}))?", re.DOTALL)


class _BadPatternError(ValueError):
    """A chunk that cannot be read."""


def is_glob(pattern: str) -> bool:
    """True if Docker takes a pattern as far as Go's matcher is asked."""
    try:
        _match(pattern)
    except _BadPatternError:
        return False
    return True


def _match(pattern: str) -> None:
    name, at = _NAME, 0
    while at < len(pattern):
        found = _CHUNK.match(pattern, at)
        assert found is not None and found.end() > at  # noqa: S101, PT018  (it matches anything)
        star, chunk, at = bool(found[1]), found[2], found.end()
        if star and not chunk:
            return
        left = _left(chunk, name, star=star, last=at == len(pattern))
        if left is None:
            return
        name = left


def _left(chunk: str, name: str, *, star: bool, last: bool) -> str | None:
    """What a chunk leaves of a name, None if it does not match."""
    starts = range(len(name) + 1) if star else (0,)
    for start in starts:
        left = _rest(chunk, name[start:])
        if left is not None and not (last and left):
            return left
    return None


def _rest(chunk: str, name: str) -> str | None:
    """What is left of a name that begins with a chunk. All of a chunk is read, also after that."""
    left: str | None = name
    while chunk:
        size, fits = _first(chunk, left[:1] if left else "")
        chunk = chunk[size:]
        left = left[1:] if left and fits else None
    return left


def _first(chunk: str, char: str) -> tuple[int, bool]:
    """(length, whether it fits the character) of what stands first in a chunk."""
    if chunk[0] == "[":
        found = _CLASS.match(chunk, 1)
        if found is None:
            raise _BadPatternError
        return found.end(), _in_class(found[2], char) != bool(found[1])
    if chunk[0] == "\\":
        if len(chunk) == 1:
            raise _BadPatternError
        return 2, chunk[1] == char
    return 1, chunk[0] in {"?", char}


def _in_class(members: str, char: str) -> bool:
    pairs = ((low[-1], (high or low)[-1]) for low, high in _RANGE.findall(members))
    return bool(char) and any(low <= char <= high for low, high in pairs)
