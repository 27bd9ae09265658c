"""Polled repositories that do not answer, for people and for machines."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from reconciler.base.clock import spell_moment, to_iso
from reconciler.base.text import one_line
from reconciler.operations.showing.unpolled import Unpolled


def unpolled_text(one: Unpolled, now: datetime) -> str:
    """`REPOSITORY was last polled ...: why`."""
    why = one_line(one.why, 200)
    since = "never" if one.since is None else f"last {spell_moment(one.since, now)} UTC"
    if one.token is None:
        answered = "never answered" if one.since is None else f"answered {since}"
        return f"{one.repository} does not answer polls, {answered}: {why}"
    whose = one_line(one.token, 120) or "to be asked without a token"
    refused = spell_moment(one.since, now) if one.since is not None else "now"
    return (
        f"{one.repository} refuses {whose} since {refused} UTC, it is polled with the token of "
        f"another task: {why}"
    )


def unpolled_json(one: Unpolled) -> dict[str, Any]:
    """Times are UTC ISO 8601."""
    return {
        "repository": one.repository,
        "why": one.why,
        "since": to_iso(one.since) if one.since else None,
        "looked": to_iso(one.looked),
        "token": one.token,
    }
