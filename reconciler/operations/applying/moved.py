"""Has a live task moved since a plan was made? Says which object, field, both values, and who."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from reconciler.base.canonical import canonical_json, digest_text
from reconciler.base.clock import spell_ago
from reconciler.base.errors import StalePlan
from reconciler.base.text import cut, plural
from reconciler.plan.change import Change
from reconciler.plan.fields import field_changes
from reconciler.plan.normalise import document_hash
from reconciler.plan.stored import Stored, document_of, is_readable
from reconciler.providers.base import LiveTask, Provider

_MOST_MOVED = 10
Read = Callable[[str], LiveTask | None]


def check_all(changes: Iterable[Change], provider: Provider, now: datetime) -> None:
    """Raises StalePlan that names the changes whose live task moved, up to ten.

    By digests first: only what may have moved is read.
    """
    errors, digests = [], provider.read_digests()
    for change in changes:
        if change.previous_address is None and digests.get(change.address) == change.live_hash:
            continue
        try:
            check_one(change, provider.read, now)
        except StalePlan as error:
            errors.append(error)
    if errors:
        raise _together(errors)


def _together(errors: list[StalePlan]) -> StalePlan:
    first, shown = errors[0], errors[:_MOST_MOVED]
    if len(errors) == 1:
        return first
    details = [detail for error in shown for detail in error.details]
    if len(errors) > len(shown):
        details.append(("and", f"{plural(len(errors) - len(shown), 'task')} more"))
    return StalePlan(
        f"{plural(len(errors), 'live task')} changed after this plan was made",
        details=details,
        hint=first.hint,
    )


def check_one(change: Change, read: Read, now: datetime) -> None:
    """Raises StalePlan if the live task of a change is not what the plan was made from."""
    address = change.previous_address or change.address
    live = read(address)
    if _hash_of(address, live, change.live_hash) != change.live_hash:
        raise _moved(address, change, live, now)
    if change.previous_address is not None and read(change.address) is not None:
        raise StalePlan(
            "a task with the new name was made after this plan",
            details=[("task", change.address)],
            hint="make a new plan",
        )


def _hash_of(address: str, live: LiveTask | None, expected: str | None) -> str | None:
    if live is None:
        return None
    # Whoever else wrote it may have spelled the same document in another way.
    if expected == (found := digest_text(live.document)):
        return found
    stored = Stored(live.document)
    return document_hash(document_of(address, stored) or {}) if is_readable(stored) else found


def _moved(address: str, change: Change, live: LiveTask | None, now: datetime) -> StalePlan:
    return StalePlan(
        "the live task changed after this plan was made",
        details=[
            ("task", address),
            *(("field", text) for text in _what(address, change, live, now)),
        ],
        hint="make a new plan; what moved was not written",
    )


def _what(address: str, change: Change, live: LiveTask | None, now: datetime) -> list[str]:
    who = _who(live, now)
    if live is None:
        return ["the whole task: planned from a live task, now it is gone"]
    if change.live_hash is None:
        return [f"the whole task: planned as new, now it exists{who}"]
    stored = Stored(live.document)
    if not is_readable(stored):
        return [f"the whole task: now it cannot be read{who}"]
    if change.unreadable or change.base is None:
        return [f"the whole task: planned from one that could not be read, now it can{who}"]
    document = document_of(address, stored) or {}
    return [
        f"{field.path}: planned from {_spell(field.before)}, live is {_spell(field.after)}{who}"
        for field in field_changes(change.base.read(), document)
    ]


def _who(live: LiveTask | None, now: datetime) -> str:
    if live is None or live.changed_by is None or live.changed_at is None:
        return ""
    return f" (by {live.changed_by}, {spell_ago(live.changed_at, now)})"


def _spell(value: object) -> str:
    return "nothing" if value is None else cut(canonical_json(value), 120)
