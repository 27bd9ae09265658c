"""What is told of a download that gives nothing: refused, broken, too large, or to try again."""

from __future__ import annotations

import contextlib

import httpx

from reconciler.adapters.fetch_fault import FetchError, FetchFault, sized
from reconciler.base.text import one_line

_LARGEST_COMPLAINT = 2000


class Again(Exception):
    """What failed may be right when it is asked for again."""


def refused(url: str, answer: httpx.Response) -> Exception:
    """What a server says that gives nothing; of a fault of its own, that it may be asked again."""
    code, host = answer.status_code, shown(url)
    if code >= 500 or code == httpx.codes.TOO_MANY_REQUESTS:
        return Again(f"it answers {code}")
    said = _complaint(answer)
    if code in {401, 403}:
        return FetchError(FetchFault.AUTH, f"{host} answers {code}: is there a token?{said}")
    return FetchError(FetchFault.MISSING, f"{host} answers {code}{said}")


def _complaint(answer: httpx.Response) -> str:
    body = b""
    with contextlib.suppress(httpx.HTTPError):
        for chunk in answer.iter_raw():
            body += chunk
            if len(body) >= _LARGEST_COMPLAINT:
                break
    text = " ".join(body[:_LARGEST_COMPLAINT].decode("utf-8", "replace").split())
    return f": {one_line(text, 160)}" if text else ""


def unanswered(url: str, error: Exception) -> FetchError:
    """That a server was asked as often as it may be, and why it gave nothing."""
    why = str(error) or type(error).__name__
    return FetchError(FetchFault.BROKEN, f"{shown(url)} cannot be downloaded: {one_line(why)}")


def nonsense(url: str) -> FetchError:
    """That an answer cannot be read."""
    message = f"{shown(url)} answers with an address or a header that is none"
    return FetchError(FetchFault.REFUSED, message)


def too_large(url: str, largest: int) -> FetchError:
    """That more comes than may."""
    message = f"{shown(url)} has more than {sized(largest)}"
    return FetchError(FetchFault.REFUSED, message)


def shown(url: str) -> str:
    """An address for people: without what may hold a secret."""
    return one_line(url.partition("?")[0].partition("#")[0], 120)
