"""Drift as lines for people: what was changed live, by whom, what becomes of it, what is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime

from reconciler.base.clock import spell_ago
from reconciler.base.text import harmless, plural, wrap
from reconciler.operations.planning.plan import Planned
from reconciler.plan.change import Drift, FieldChange
from reconciler.plan.facts import KnownDrift
from reconciler.report.levels import Level
from reconciler.report.reasons import spell_by
from reconciler.report.selection_text import scope_sentences
from reconciler.report.values import spell_both

_FATES = {
    "spec": "  (the spec changes it too, and wins)",
    "accepted": "  (the spec says the same by now)",
}


def drift_fate(drift: Drift) -> str:
    """What becomes of the drift of a task."""
    if drift.kind == "deleted":
        return "made again" if drift.heal else "left so (--heal to undo)"
    if drift.kind == "unreadable" and not drift.heal:
        waits = "; what is new in the spec waits" if drift.waits else ""
        return f"left alone (--heal to overwrite){waits}"
    if drift.heal:
        return "undone by this plan"
    fates = {field.cause for field in drift.paths}
    if fates == {"accepted"}:
        return "and the spec says the same by now"
    return "the spec wins" if "drift" not in fates else "left alone (--heal to undo)"


# The kind of a drift, as the first words about it, and as the note of one that is known.
_KINDS = {"changed": "drift,", "deleted": "deleted live;", "unreadable": "cannot be read live;"}
_KNOWN = {"changed": "", "deleted": ", deleted live", "unreadable": ", cannot be read live"}


def _writer(drift: Drift, now: datetime) -> str:
    """Who wrote what cannot be read: there is no field to say it at."""
    if drift.kind != "unreadable" or not drift.changed_by:
        return ""
    when = f", {spell_ago(drift.changed_at, now)}" if drift.changed_at else ""
    return f"; by {drift.changed_by}{when}"


def drift_lines(
    drift: Drift, width: int, now: datetime, level: Level = Level.DEFAULT
) -> Iterator[str]:
    """The headline of a task that drifted, and its fields."""
    told = f"{_KINDS[drift.kind]} {drift_fate(drift)}{_writer(drift, now)}"
    ended = f"; known until {drift.ended}, which is over" if drift.ended else ""
    yield from wrap(harmless(f"  ! {drift.address:<26}  {told}{ended}"), width, "      ")
    if level is Level.SUMMARY:
        return
    for field in drift.paths:
        by = f" {told}" if (told := spell_by(field.blame, now)) else ""
        fate = "" if drift.heal else _FATES.get(field.cause, "")
        yield from _values(field, f"{by}{fate}", width, full=level is Level.FULL)


def _values(field: FieldChange, note: str, width: int, *, full: bool = False) -> list[str]:
    name = field.path.removeprefix("spec.")
    before, after = spell_both(field.before, field.after, full=full)
    values = f"applied {before}, live {after}"
    return wrap(harmless(f"      {name:<24}  {values}{note}"), width, "        ")


def known_lines(
    known: Iterable[KnownDrift], width: int, now: datetime, level: Level = Level.DEFAULT
) -> Iterator[str]:
    """Drift on the workspace's list: how long, whose, why, and where the list says so."""
    for drift in known:
        heal = ", undone by this plan" if drift.heal else ""
        head = f"known drift{_KNOWN[drift.kind]}{heal}, {spell_known(drift, now.date())}"
        yield from wrap(harmless(f"  ! {drift.address:<26}  {head}"), width, "      ")
        if level is not Level.SUMMARY:
            for field in drift.paths:
                by = f" {told}" if (told := spell_by(field.blame, now)) else ""
                yield from _values(field, by, width, full=level is Level.FULL)


def spell_known(drift: KnownDrift, today: date) -> str:
    """`until 2026-11-30 (9 days), team-data: load test (reconciler.yaml:9)`."""
    left = (drift.expires - today).days
    days = plural(left, "day") if left else "today is the last day"
    ticket = f", {drift.ticket}" if drift.ticket else ""
    place = drift.origin.rpartition(":")[0]
    return f"until {drift.expires} ({days}), {drift.owner}: {drift.reason}{ticket} ({place})"


def unused_lines(planned: Planned, width: int) -> list[str]:
    """Entries of known drift that nothing matches: they may go."""
    if not planned.unused:
        return []
    places = ", ".join(place.rpartition(":")[0] for place in planned.unused)
    return wrap(harmless(f"note: known drift that is no more: {places}; remove it"), width, "  ")


def drift_report(planned: Planned, width: int, now: datetime) -> list[str]:
    """The whole output of `drift`."""
    plan = planned.plan
    rogue = f"{plural(len(plan.unmanaged), 'live task')} not declared and never applied"
    last = [
        *(line for text in scope_sentences(plan) for line in wrap(harmless(text), width, "  ")),
        *(wrap(rogue, width, "  ") if plan.unmanaged else []),
        *unused_lines(planned, width),
    ]
    known = list(known_lines(plan.known_drift, width, now))
    if not plan.drift:
        with_known = {drift.address for drift in plan.known_drift if drift.kind != "deleted"}
        same = plan.live - len(plan.unmanaged) - len(with_known)
        of_some = "no drift in what was chosen" if plan.left_out else None
        head = of_some or f"no drift: {plural(same, 'live task')} as last applied"
        told = f", {len(plan.known_drift)} known drifted" if known else ""
        return [*known, *([""] if known else []), head + told, *last]
    lines = [line for drift in plan.drift for line in drift_lines(drift, width, now)]
    told = f"{plural(len(plan.drift), 'task')} drifted since the last apply."
    counted = f" Known and not counted: {len(plan.known_drift)}." if known else ""
    return [*lines, *known, "", *wrap(told + counted, width), *last]
