"""Three-way merge: what is written live when drift is to be left alone."""

from __future__ import annotations

from typing import Any, cast

from reconciler.plan.change import Document

_ABSENT = object()


def keep_drift(applied: Document, declared: Document, live: Document) -> Document:
    """`live` with what the spec changed since the last apply; other live changes stay.

    Lists are taken whole. Where spec and live changed the same field, the spec wins.
    """
    return cast("Document", _merge(applied, declared, live))


def _merge(applied: Any, declared: Any, live: Any) -> Any:
    if declared == applied:
        return live
    if not (isinstance(declared, dict) and isinstance(live, dict)):
        return declared
    before = applied if isinstance(applied, dict) else {}
    result = {}
    for key in {**live, **declared}:
        value = _merge(before.get(key, _ABSENT), declared.get(key, _ABSENT), live.get(key, _ABSENT))
        if value is not _ABSENT:
            result[key] = value
    return result
