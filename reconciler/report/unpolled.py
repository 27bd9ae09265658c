"""Polled repositories that do not answer, for people and for machines."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from reconciler.base.clock import spell_moment, to_iso
from reconciler.base.text import one_line
from reconciler.operations.showing.unpolled import Unpolled


def unpolled_text(one: Unpolled, now: datetime) -> str:
    """`REPOSITORY does not answer polls ...: why`, or which login it refuses."""
    why = one_line(one.why, 200)
    since = spell_moment(one.since, now) if one.since is not None else None
    if one.token is None:
        answered = "never answered" if since is None else f"answered last {since} UTC"
        return f"{one.repository} does not answer polls, {answered}: {why}"
    login = one_line(one.token, 120) or "to be asked without a token"
    other = "it is polled with the token of another task"
    return f"{one.repository} refuses {login} since {since} UTC, {other}: {why}"


def unpolled_json(one: Unpolled) -> dict[str, Any]:
    """Times are UTC ISO 8601."""
    return {
        "repository": one.repository,
        "why": one.why,
        "since": to_iso(one.since) if one.since else None,
        "looked": to_iso(one.looked),
        "token": one.token,
    }
