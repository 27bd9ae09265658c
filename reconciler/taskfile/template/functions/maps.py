"""Template functions on maps and JSON, as Sprig has them. Source: https://masterminds.github.io/sprig/"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from reconciler.taskfile.template.functions.kit import Function, Secrecy, table, takes, text
from reconciler.taskfile.template.gotime import JSON, go_format
from reconciler.taskfile.template.govalues import Missing, convert, spell

_KEEPS = Secrecy.KEEPS


def _dict(*pairs: Any) -> dict[str, Any]:
    keys = [text(key) if isinstance(key, str) else spell(key) for key in pairs[::2]]
    values = [*pairs[1::2], *[""] * (len(pairs) % 2)]
    return dict(zip(keys, values, strict=True))


def _set(value: Any, key: Any, new: Any) -> dict[str, Any]:
    # A copy: a map cannot come to hold itself.
    table(value)[text(key)] = convert(new, lambda leaf: leaf)
    return table(value)


def _unset(value: Any, key: Any) -> dict[str, Any]:
    table(value).pop(text(key), None)
    return table(value)


def _has_key(value: Any, key: Any) -> bool:
    return not isinstance(value, Missing) and text(key) in table(value)


def _keys(*maps: Any) -> list[str]:
    return [key for value in maps for key in sorted(table(value))]


def _values(value: Any) -> list[Any]:
    return [table(value)[key] for key in sorted(table(value))]


def _pick(value: Any, *keys: Any) -> dict[str, Any]:
    return {key: table(value)[key] for key in keys if key in table(value)}


def _omit(value: Any, *keys: Any) -> dict[str, Any]:
    return {key: item for key, item in table(value).items() if key not in keys}


def _pluck(key: Any, *maps: Any) -> list[Any]:
    return [table(value)[key] for value in maps if text(key) in table(value)]


# -------------------------------------------------------------------- JSON
def _json_text(value: Any) -> str:
    return go_format(value, JSON) if isinstance(value, datetime) else spell(value)


def to_json(value: Any, indent: int | None = None) -> str:
    """JSON as Go writes it: no blanks, keys in order, `<`, `>` and `&` escaped."""
    separators = None if indent else (",", ":")
    written = json.dumps(
        value,
        ensure_ascii=False,
        sort_keys=True,
        separators=separators,
        indent=indent,
        default=_json_text,
    )
    return re.sub("[<>&\u2028\u2029]", lambda match: f"\\u{ord(match[0]):04x}", written)


def _raw_json(value: Any) -> str:
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_json_text
    )


MAP_FUNCTIONS: dict[str, Function] = {
    "dict": Function(_dict, secrecy=_KEEPS),
    "set": takes(3, _set, _KEEPS),
    "unset": takes(2, _unset, _KEEPS),
    "hasKey": takes(2, _has_key, _KEEPS, absent=True),
    "keys": Function(_keys, 1, secrecy=_KEEPS),
    "values": takes(1, _values, _KEEPS),
    "pick": Function(_pick, 1, secrecy=_KEEPS),
    "omit": Function(_omit, 1, secrecy=_KEEPS),
    "pluck": Function(_pluck, 1, secrecy=_KEEPS),
    # JSON
    "toJson": takes(1, to_json),
    "toPrettyJson": takes(1, lambda value: to_json(value, 2)),
    "toRawJson": takes(1, _raw_json),
}
