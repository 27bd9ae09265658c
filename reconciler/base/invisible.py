"""What a terminal does not show: escape sequences and control characters. Knows no secrets.

Who shows text and who looks for secrets in it must cut the same sequences: a letter that only one
of them takes for a part of a sequence would join, or part, what the other one has seen. Source of
the sequences: ECMA-48, 5.4 and 5.6, and ECMA-35, 13.2 (an escape with one letter is left: it is
shown); the `BEL` at the end of a title is xterm's.
"""

from __future__ import annotations

import re

from reconciler.base.rewritten import Rewritten, cut

# No sequence is longer: a beginning without an end does not hide what follows it.
_LONGEST = 4200
_PARAMETERS = r"\[[0-?]{0,64}+[ -/]{0,8}+"
_STRING = r"[\]PX^_][^\x00-\x1f\x7f]{0,4096}+"
_AFTER_ESCAPE = rf"{_PARAMETERS}[@-~]|{_STRING}(?:\x07|\x1b\\)|[ -/]{{1,8}}+[0-~]"
_SEQUENCES = re.compile(rf"\x1b(?:{_AFTER_ESCAPE})".encode())
# Tab, line feed and carriage return move what follows: they part words as a blank does.
_CONTROLS = bytes([*range(9), 11, 12, *range(14, 32), 127])
# What there is most of comes first, and begins with the class: that is quickest to look for.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
    rf"(?:\[(?<=\x1b\[)[0-?]{{0,64}}[ -/]{{0,8}}[@-~]|(?<=\x1b)(?:{_AFTER_ESCAPE}))?".encode()
)
_UNFINISHED = re.compile(rf"\x1b(?:{_PARAMETERS}|{_STRING}\x1b?|[ -/]{{0,8}}+)\Z".encode())


def holds_invisible(data: bytes) -> bool:
    """True if anything in the data is not shown."""
    return len(data.translate(None, _CONTROLS)) != len(data)


def without_sequences(data: bytes) -> bytes:
    """The data without escape sequences; other control characters stay."""
    return _SEQUENCES.sub(b"", data)


def visible(data: bytes) -> bytes:
    """The data without what is not shown."""
    return _INVISIBLE.sub(b"", data) if holds_invisible(data) else data


def settled(data: bytes, reach: int) -> int:
    """Where the last `reach` visible bytes of data that goes on begin, or 0.

    A sequence at the end that may go on is not counted. No sequence is cut in two there.
    """
    if not reach or not holds_invisible(data):
        return max(len(data) - reach, 0)
    whole = shown(data[: finished(data)])
    count = len(whole.data) - reach
    return whole.span(count, count + 1)[0] if count > 0 else 0


def finished(data: bytes) -> int:
    """Where the sequence begins that the data breaks off in; its length if there is none."""
    found = _UNFINISHED.search(data, max(len(data) - _LONGEST, 0))
    return found.start() if found else len(data)


def shown(data: bytes) -> Rewritten:
    """What is shown of some bytes, and where it stood in them."""
    return cut(data, _INVISIBLE)
