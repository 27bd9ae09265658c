"""Characters that are written as their numbers, as encoders do it, read back. Knows no secrets.

Each encoder has its own list of what it escapes: `\\u002B` of .NET, `%21` of some, `&#43;` of
others. So the escapes are read, whichever they are, instead of guessing which there will be.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from reconciler.base.rewritten import Edit, Rewritten

LONGEST = 9  # bytes for one of a value, as in `&#x0002B;`; `\\\\u002B`, in JSON within JSON, has 8
_REMEMBERED = 4096
_HEX = "[0-9a-fA-F]"
_NUMBERS = rf"u{_HEX}{{4}}(?:\\+u{_HEX}{{4}}){{0,63}}|x{_HEX}{{2}}|[0-3][0-7]{{2}}"
_ENTITY = rf"(?:#[xX]{_HEX}{{1,6}}|#[0-9]{{1,7}}|amp|lt|gt|quot|apos);"
# Begins with the class: that is quickest to look for.
_ESCAPE = re.compile(
    rf"[%&\\](?:(?<=%){_HEX}{{2}}|(?<=\\)\\*(?:{_NUMBERS})|(?<=&){_ENTITY})".encode()
)
_UNIT = re.compile(rf"\\+u({_HEX}{{4}})".encode())


def unescaped(data: bytes, wanted: bytes) -> Rewritten | None:
    """The data with its escapes of `wanted` bytes read, None if there are none."""
    if not (b"%" in data or b"\\" in data or b"&" in data):
        return None
    meanings = _Meanings(wanted)
    read = _ESCAPE.sub(lambda match: meanings[match[0]], data)
    return Rewritten(read, lambda: _placed(data, meanings)) if read != data else None


def _placed(data: bytes, meanings: _Meanings) -> Iterator[Edit]:
    for match in _ESCAPE.finditer(data):
        if meanings[match[0]] == match[0]:
            continue
        for start, end, read in _edits(match[0]):
            yield match.start() + start, match.start() + end, read


class _Meanings(dict[bytes, bytes]):
    """What escapes mean, as far as they were seen; one that means nothing wanted means itself."""

    def __init__(self, wanted: bytes) -> None:
        super().__init__()
        self._wanted = wanted

    def __missing__(self, text: bytes) -> bytes:
        if len(self) >= _REMEMBERED:
            self.clear()
        meant = b"".join(read for _, _, read in _edits(text))
        self[text] = meant = meant if any(byte in self._wanted for byte in meant) else text
        return meant


def _edits(text: bytes) -> tuple[Edit, ...]:
    number = text.lstrip(b"\\")
    if text.startswith(b"%"):
        read = bytes([int(text[1:], 16)])
    elif text.startswith(b"&"):
        read = html.unescape(text.decode()).encode("utf-8", "surrogatepass")
    elif number.startswith(b"u"):
        return tuple(_characters(text))
    else:
        read = bytes([int(number[1:], 16) if number.startswith(b"x") else int(number, 8)])
    return ((0, len(text), read),)


def _characters(text: bytes) -> Iterator[Edit]:
    """Two units that make one character in UTF-16 are one escape."""
    high: tuple[int, int] | None = None
    for match in _UNIT.finditer(text):
        at, code = match.start(), int(match[1], 16)
        if high is not None and 0xDC00 <= code < 0xE000:
            code = 0x10000 + ((high[1] - 0xD800) << 10) + (code - 0xDC00)
            at = high[0]
        high = (at, code) if 0xD800 <= code < 0xDC00 else None
        if high is None:
            yield at, match.end(), chr(code).encode("utf-8", "surrogatepass")
