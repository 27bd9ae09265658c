"""Why a fetch of a foreign repository failed, read from what git wrote. Runs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from urllib.parse import urlsplit

from reconciler.base.text import harmless


class GitFault(StrEnum):
    """Why a fetch failed."""

    AUTH = "auth"
    MISSING = "missing"
    REFUSED = "refused"
    BROKEN = "broken"
    STOPPED = "stopped"
    DISK = "disk"
    NO_GIT = "no-git"


class GitFetchError(Exception):
    """A fetch failed; the text names the host, never a token."""

    def __init__(self, fault: GitFault, message: str) -> None:
        super().__init__(message)
        self.fault, self.message = fault, message


def explained(errors: str, url: str, secrets: Sequence[str]) -> GitFetchError:
    """The error of a git that failed, from what it wrote; the secrets are masked."""
    lines = [line for line in errors.splitlines() if line.strip()]
    text = harmless(" ".join(lines[-3:]))[:400]
    for word in secrets:
        text = text.replace(word, "***")
    return GitFetchError(_fault_of(text), _told(text, url))


_FAULTS = (
    (GitFault.DISK, ("no space left on device", "disk quota exceeded", "out of diskspace")),
    (
        GitFault.AUTH,
        ("authentication failed", "could not read username", "error: 401", "error: 403"),
    ),
    (
        GitFault.MISSING,
        ("not found", "error: 404", "find remote ref", "not our ref", "does not appear to be"),
    ),
    (GitFault.REFUSED, ("not allowed", "redirect", "error: 30")),
)


def _fault_of(text: str) -> GitFault:
    lowered = text.lower()
    for fault, words in _FAULTS:
        if any(word in lowered for word in words):
            return fault
    return GitFault.BROKEN


def _told(text: str, url: str) -> str:
    host = urlsplit(url).netloc
    if _fault_of(text) is GitFault.REFUSED and "not allowed" not in text:
        return f"{host} redirects elsewhere; a token is never carried along: use the final address"
    return f"{host}: {text}"
