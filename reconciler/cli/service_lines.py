"""The log of a service: one JSON object a line on standard error, from its start to its end."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime

import click

from reconciler.base.clock import to_iso, utc_now
from reconciler.base.errors import InvalidInput, ReconcilerError
from reconciler.base.text import one_line

_SERVICE = "serve"
# Options of the program itself that have a value.
_WITH_VALUE = frozenset({"-C", "--directory"})
_USAGE_EXIT = 64


def is_service(arguments: Sequence[str]) -> bool:
    """True if these words start the service."""
    words = iter(arguments)
    for word in words:
        if word in _WITH_VALUE:
            next(words, None)
        elif not word.startswith("-"):
            return word == _SERVICE
    return False


def write_line(now: datetime, part: str, facts: Mapping[str, str]) -> None:
    """Write an event of a part."""
    line = json.dumps({"time": to_iso(now), "part": part, **facts})
    # A log that nobody takes any more (a pipe whose reader went) ends no work.
    with contextlib.suppress(OSError):
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def interrupted_start() -> int:
    """A service that is told to stop before it has begun has nothing to end; its exit code."""
    write_line(utc_now(), _SERVICE, {"message": "stopping; it had not begun"})
    return 0


def failed_start(error: ReconcilerError | click.ClickException) -> int:
    """A service that cannot begin says why, for programs that read its log; its exit code."""
    if isinstance(error, click.ClickException):
        write_line(utc_now(), _SERVICE, {"error": one_line(error.format_message(), 2000)})
        return _USAGE_EXIT
    facts = {"error": _text(error), **dict(error.details)}
    write_line(utc_now(), _SERVICE, facts | ({"fix": error.hint} if error.hint else {}))
    return error.exit_code


def _text(error: ReconcilerError) -> str:
    if not isinstance(error, InvalidInput):
        return error.message
    from reconciler.report.human import error_lines  # noqa: PLC0415  (late)

    return "; ".join(line.strip() for line in error_lines(error, 500))
