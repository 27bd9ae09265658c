"""Why a fetch of a foreign repository failed, read from what git wrote. Runs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from reconciler.adapters.fetch_fault import FetchError, FetchFault
from reconciler.base.text import harmless


def explained(errors: str, url: str, secrets: Sequence[str]) -> FetchError:
    """The error of a git that failed, from what it wrote; the secrets are masked."""
    lines = [line for line in errors.splitlines() if line.strip()]
    text = harmless(" ".join(lines[-3:]))[:400]
    for word in secrets:
        text = text.replace(word, "***")
    return FetchError(_fault_of(text), _told(text, url))


_CERTIFICATE = ("certificate verif", "ssl certificate", "ssl: certificate", "ssl ca cert")
_MEMORY = ("out of memory", "cannot allocate memory", "unable to create thread")
_PAGE = "is this a git repository?"
_FAULTS = (
    (FetchFault.DISK, ("no space left on device", "disk quota exceeded", "out of diskspace")),
    (
        FetchFault.TLS,
        (
            *_CERTIFICATE,
            *("gnutls_handshake", "ssl_connect", "ssl routines", "tls connect"),
        ),
    ),
    (
        FetchFault.AUTH,
        ("authentication failed", "could not read username", "error: 401", "error: 403", _PAGE),
    ),
    (
        FetchFault.MISSING,
        ("not found", "error: 404", "find remote ref", "not our ref", "does not appear to be"),
    ),
    (FetchFault.REFUSED, _MEMORY),
    (FetchFault.REFUSED, ("not allowed", "redirect", "error: 30")),
)


def _fault_of(text: str) -> FetchFault:
    lowered = text.lower()
    for fault, words in _FAULTS:
        if any(word in lowered for word in words):
            return fault
    return FetchFault.BROKEN


def _told(text: str, url: str) -> str:
    host = urlsplit(url).netloc
    fault = _fault_of(text)
    if fault is FetchFault.TLS:
        return _told_of_tls(text, host)
    if fault is FetchFault.AUTH and _PAGE in text:
        return no_repository(url).message
    if any(word in text.lower() for word in _MEMORY):
        return f"the repository at {host} needs more memory than git is given: {text}"
    if fault is FetchFault.REFUSED and "not allowed" not in text:
        return f"{host} redirects elsewhere; a token is never carried along: use the final address"
    return f"{host}: {text}"


def _told_of_tls(text: str, host: str) -> str:
    if any(word in text.lower() for word in _CERTIFICATE):
        fix = "if an authority of your own signed it, name its file in GIT_SSL_CAINFO"
        return f"the certificate of {host} is not accepted: {text}; {fix}"
    fix = "is this a port that speaks https, and does nothing on the way break TLS?"
    return f"no TLS connection to {host}: {text}; {fix}"


def no_repository(url: str) -> FetchError:
    """The error of a host that answers with a web page: mostly one to sign in."""
    host = urlsplit(url).netloc
    fix = (
        "it wants you to sign in (is there a token, and may it read this?), or the address is wrong"
    )
    message = f"{host} answered with a page, not with a repository: {fix}"
    return FetchError(FetchFault.AUTH, message)
