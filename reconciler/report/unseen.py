"""Base images that cannot be looked at, for people and for machines."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from reconciler.base.clock import spell_moment, to_iso
from reconciler.base.text import one_line
from reconciler.operations.showing.unseen import Unseen


def unseen_text(one: Unseen, now: datetime) -> str:
    """`BASE was last seen ...: why`."""
    why = one_line(one.why, 200)
    if one.since is not None and one.since == one.looked and one.again is None:
        return f"{one.image} is not seen: {why} (looked at {spell_moment(one.since, now)} UTC)"
    seen = "never seen" if one.since is None else f"last seen {spell_moment(one.since, now)} UTC"
    again = f"; asked again {spell_moment(one.again, now)} UTC" if one.again else ""
    return f"{one.image} was {seen}: {why}{again}"


def unseen_json(one: Unseen) -> dict[str, Any]:
    """Times are UTC ISO 8601."""
    return {
        "image": one.image,
        "why": one.why,
        "since": to_iso(one.since) if one.since else None,
        "looked": to_iso(one.looked) if one.looked else None,
        "again": to_iso(one.again) if one.again else None,
    }
