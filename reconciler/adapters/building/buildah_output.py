"""What buildah says of itself and nobody needs: taken out of its output. Masks nothing."""

from __future__ import annotations

import re
from collections.abc import Callable

# With --platform it gives these to every build, and complains where a Dockerfile has no use for
# them. Source: https://github.com/containers/buildah (imagebuildah/executor.go, unusedArgs).
_OWN = re.compile(rb"TARGET(?:ARCH|OS|PLATFORM|VARIANT)")
_BEGIN = b"[Warning] one or more build args were not consumed: ["
_WARNING = re.compile(re.escape(_BEGIN) + rb"([^\]\n]*)\]\n")
_LONGEST = 64 * 1024


class WithoutOwnArguments:
    """Hands output on without the warning that buildah's own arguments are not used.

    Of a warning that names others, too, these are left.
    """

    def __init__(self, on_output: Callable[[bytes], None]) -> None:
        self._on_output = on_output
        self._held = b""
        self._open = False  # what was handed on ends within a line

    def __call__(self, chunk: bytes) -> None:
        """Take the next piece; the beginning of such a warning is held back until its end."""
        data = self._held + chunk
        parts, at = [], 0
        for found in _WARNING.finditer(data):
            parts += [data[at : found.start()], self._left(found, data)]
            at = found.end()
        rest = data[at:]
        cut = _begun(rest)
        self._held = rest[cut:]
        self._hand_on(b"".join([*parts, rest[:cut]]))

    def close(self) -> None:
        """Hand on what is held back."""
        held, self._held = self._held, b""
        self._hand_on(held)

    def _left(self, found: re.Match[bytes], data: bytes) -> bytes:
        others = [name for name in found[1].split() if not _OWN.fullmatch(name)]
        if others:
            return _BEGIN + b" ".join(others) + b"]\n"
        before = data[: found.start()]
        goes_on = not before.endswith(b"\n") if before else self._open
        return b"\n" if goes_on else b""

    def _hand_on(self, data: bytes) -> None:
        if data:
            self._open = not data.endswith(b"\n")
            self._on_output(data)


def _begun(data: bytes) -> int:
    """Where a warning begins that is not over, the end of the data if none does."""
    start = data.rfind(b"\n") + 1
    while (at := data.find(b"[", start)) >= 0:
        rest = data[at : at + len(_BEGIN)]
        if _BEGIN.startswith(rest) and len(data) - at <= _LONGEST:
            return at
        start = at + 1
    return len(data)
