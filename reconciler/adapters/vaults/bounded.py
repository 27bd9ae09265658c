"""Answers of vaults and of identity endpoints, read up to a size. Imported late: for an extra.

What answers in the place of a vault may send without end, packed or not; the client libraries would
take all of it into memory.
"""

from __future__ import annotations

from typing import Any

import requests
from requests.models import PreparedRequest, Response

from reconciler.base.errors import SecretUnavailable

# Eight times the largest value: JSON may write a byte of it with six, and KV 2 sends all fields.
LARGEST_ANSWER = 4_096_000
_CHUNK = 64 * 1024


class BoundedSession(requests.Session):
    """A session that reads answers up to LARGEST_ANSWER. Raises SecretUnavailable for more."""

    def send(self, request: PreparedRequest, **kwargs: Any) -> Response:
        """The answer with its body, which is in memory already unless it was to be streamed."""
        streamed = kwargs.get("stream", False)
        answer = super().send(request, **{**kwargs, "stream": True})
        if not streamed:
            _read(answer)
        return answer


def _read(answer: Response) -> None:
    chunks, size = [], 0
    for chunk in answer.iter_content(_CHUNK):
        size += len(chunk)
        if size > LARGEST_ANSWER:
            answer.close()
            raise SecretUnavailable(f"what answers sends more than {LARGEST_ANSWER:,} bytes")
        chunks.append(chunk)
    # As the library itself keeps a body that was read.
    answer._content = b"".join(chunks)  # noqa: SLF001
    answer._content_consumed = True  # type: ignore[attr-defined]  # noqa: SLF001


def too_large(error: BaseException) -> SecretUnavailable | None:
    """The refusal of a BoundedSession among the causes of an error of a client library."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, SecretUnavailable):
        cause = cause.__cause__ or cause.__context__
    return cause
