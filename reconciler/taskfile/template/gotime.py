"""Moments as Go writes them; only UTC is known.

Layouts are Go's: https://pkg.go.dev/time#pkg-constants
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

PRINTED = "2006-01-02 15:04:05.999999999 -0700 MST"  # as `%v` prints it
JSON = "2006-01-02T15:04:05.999999999Z07:00"

_LAYOUT = re.compile(
    r"2006|January|Jan|Monday|Mon|MST|Z07:00|Z0700|-07:00|-0700|-07"
    r"|15|06|01|02|03|04|05|_2|PM|pm|[.,]0+|[.,]9+|1|2|3|4|5"
)
_NAMES = "2006 06 January Jan 01 Monday Mon 02 15 03 04 05 PM"
_CODES = "%Y %y %B %b %m %A %a %d %H %I %M %S %p"
_FORMS = dict(zip(_NAMES.split(), _CODES.split(), strict=True)) | {
    "MST": "UTC",
    "Z07:00": "Z",
    "Z0700": "Z",
    "-07:00": "+00:00",
    "-0700": "+0000",
    "-07": "+00",
}


def go_format(moment: datetime, layout: str) -> str:
    """The moment in a layout such as `2006-01-02T15:04:05Z07:00`."""
    at = moment.astimezone(UTC)
    return _LAYOUT.sub(lambda match: _element(at, match[0]), layout)


def _element(moment: datetime, element: str) -> str:
    if element in _FORMS:
        return moment.strftime(_FORMS[element])
    if element[0] in ".,":
        digits = f"{moment.microsecond:06d}000"[: len(element) - 1]
        shown = digits.rstrip("0") if element[1] == "9" else digits
        return element[0] + shown if shown else ""
    small = {"1": moment.month, "2": moment.day, "3": moment.hour % 12 or 12}
    small |= {"4": moment.minute, "5": moment.second}
    if element == "_2":
        return f"{moment.day:2d}"
    return moment.strftime("%p").lower() if element == "pm" else str(small[element])
