"""Why a server could not be asked, in words for people. Repeats nothing that it answered."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Iterator

# They warn on standard error, and tell of answers, where nobody has set up logging.
_TALKATIVE = ("azure", "msal", "hvac", "urllib3")


def why_unreachable(error: BaseException) -> str:
    """The first cause that says something, of an error of a client library."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {cause.verify_message or 'it is not for it'}"
        if isinstance(cause, ssl.SSLError):
            return "no TLS connection comes about"
        if isinstance(cause, socket.gaierror):
            return "its name is not known here"
        if isinstance(cause, TimeoutError) or "Timeout" in type(cause).__name__:
            return "it does not answer in time"
        if isinstance(cause, ConnectionRefusedError):
            return "nobody listens at its address"
    return "it cannot be reached"


def keep_quiet() -> None:
    """The libraries log nothing: what they tell may hold what a server answered."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Innermost first, each once: libraries hide a cause in attributes of their own."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        item = waiting.pop()
        if not isinstance(item, BaseException) or item in found:
            continue
        found.append(item)
        hidden = (getattr(item, name, None) for name in ("inner_exception", "reason"))
        waiting += [item.__cause__, item.__context__, *hidden, *item.args]
    return reversed(found)
