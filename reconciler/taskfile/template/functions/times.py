"""Template functions on time. The moment comes from outside; only UTC is known.

Source: https://masterminds.github.io/sprig/date.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from reconciler.taskfile.template.functions.kit import Function, takes, text
from reconciler.taskfile.template.gotime import go_format
from reconciler.taskfile.template.govalues import ValueFault


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value, UTC)
        except (OverflowError, OSError, ValueError):
            raise ValueFault("the moment is out of range") from None
    raise ValueFault("a moment is needed: now, or seconds since 1970")


def _date(layout: Any, value: Any) -> str:
    return go_format(_moment(value), text(layout))


def _date_in_zone(layout: Any, value: Any, zone: Any) -> str:
    if text(zone) not in {"UTC", "GMT", "", "Local"}:
        raise ValueFault("only the time zone UTC is known here")
    return _date(layout, value)


def time_functions(now: datetime | None) -> dict[str, Function]:
    """The functions for a run that starts `now`; without a moment `now` is refused."""
    refused = None if now else "it has no moment here"
    return {
        "now": Function(lambda: now, 0, 0, refused=refused),
        "date": takes(2, _date),
        "dateInZone": takes(3, _date_in_zone),
        "date_in_zone": takes(3, _date_in_zone),
        "htmlDate": takes(1, lambda value: _date("2006-01-02", value)),
        "unixEpoch": takes(1, lambda value: str(int(_moment(value).timestamp()))),
    }
