"""The context of a run: its token is read late and masked at once, then the source is fetched."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import date

from reconciler.base.errors import ReconcilerError
from reconciler.base.text import one_line, plural
from reconciler.model.context import ContextKind, Token, artifact_location, context_kind
from reconciler.model.run import Reason, UsedSecret
from reconciler.runner.context import Size
from reconciler.runner.failure import Failure
from reconciler.runner.ports import Fetched
from reconciler.runner.secrets import resolve
from reconciler.runner.work import Work

_PLACE = "run"  # what the notes stand under
_TOKEN_NAME = "context.token"  # noqa: S105  (the name of a field)


def fetch_context(work: Work) -> Fetched:
    """The context on this machine. Raises Failure or Stop."""
    token = work.request.token
    value = _read_token(work, token) if token is not None else None
    if value is None:
        mask_login(work.request.source, work)
    try:
        fetched = work.ports.fetch(work.request.source, value, work.watch)
        for note in fetched.notes:
            work.ledger.say(_PLACE, f"note: {note}")
        return replace(fetched, branch=fetched.branch or work.request.branch)
    except Failure as failure:
        tell_token(failure, token)
        raise


def tell_token(failure: Failure, token: Token | None) -> None:
    """Where a host let nobody in, say which token that was."""
    if failure.reason is Reason.SOURCE_AUTH and token is not None:
        failure.message += f"; the token is {token.secret}"


def check_expiry(token: Token, today: date) -> None:
    """Raises Failure for a token whose last day is over."""
    if token.expires is not None and token.expires < today:
        message = f"the token {token.secret} expired on {token.expires}: make a new one"
        raise Failure(Reason.TOKEN_EXPIRED, message)


def mask_login(source: str, work: Work) -> None:
    """Mask the login that an artifact is fetched with: its registry may repeat it in an answer."""
    # Why there is none is told where it is needed.
    with contextlib.suppress(ReconcilerError, ValueError):
        if context_kind(source) is ContextKind.ARTIFACT:
            work.login(artifact_location(source).registry)


def warn_of_size(size: Size, work: Work) -> None:
    """Name the largest paths of a context that is larger than is usual."""
    limit = work.ports.large_context
    if size.bytes > limit:
        paths = ", ".join(
            f"{one_line(path, 120)} {_megabytes(many)}" for path, many in size.largest
        )
        told = f"the context has {_megabytes(size.bytes)} in {plural(size.files, 'file')}"
        fix = "what the build does not need goes into .dockerignore"
        work.ledger.say(_PLACE, f"warning: {told}, more than {_megabytes(limit)}: {paths}; {fix}")


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"


def _read_token(work: Work, token: Token) -> str:
    """The value of the token, noted by reference and fingerprint. Raises Failure."""
    check_expiry(token, work.ledger.now().date())
    value = resolve(work, token.reference).strip()
    work.ledger.hide([value, *value.split(":")[1:]])
    used = UsedSecret(
        name=_TOKEN_NAME,
        reference=token.secret,
        version=token.version,
        fingerprint=work.ports.fingerprint(value),
    )
    work.ledger.note(secrets=(*work.ledger.record.secrets, used))
    return value
