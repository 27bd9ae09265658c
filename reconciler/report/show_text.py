"""One task, and two registries side by side, as lines for people and as plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reconciler import __version__
from reconciler.base.clock import spell_ago, spell_moment, to_iso
from reconciler.base.text import harmless, plural, wrap
from reconciler.base.yaml_writer import write_document
from reconciler.model.task import Task
from reconciler.operations.showing.compare_live import Difference
from reconciler.operations.showing.show import Shown
from reconciler.plan.normalise import full_of
from reconciler.report.change_text import field_lines
from reconciler.report.describe import describe
from reconciler.report.machine import FORMAT_VERSION
from reconciler.report.runs import event_lines, runs_json, runs_lines, unserved_lines
from reconciler.report.unpolled import unpolled_json, unpolled_text
from reconciler.report.unseen import unseen_json, unseen_text

if TYPE_CHECKING:  # late: SQLAlchemy
    from reconciler.store.task_bases import Reading

_LABEL = 10


def show_lines(shown: Shown, now: datetime, width: int) -> list[str]:
    """The whole output of `show`."""
    lines = [shown.address]
    for label, text in _facts(shown, now):
        first = f"  {label:<{_LABEL}}"
        lines += wrap(harmless(f"{first}{text}"), width, " " * (_LABEL + 2))
    if shown.drift:
        lines += ["", "Drift: applied -> live"]
        for field in shown.drift:
            lines += field_lines(field, width)
    if shown.live is not None:
        lines += ["", "Live, without what is at its default:"]
        text = write_document(shown.live)
        for row in text.splitlines():
            indent = len(row) - len(row.lstrip()) + 2
            lines += wrap(harmless("  " + row), width, " " * (indent + 2)) if row.strip() else [""]
    if shown.runs:
        lines += ["", "Last runs:", *runs_lines(list(shown.runs), now, width)]
        lines += event_lines(shown.runs, width)
        lines += unserved_lines(shown.unserved, now, width)
    return lines


def _facts(shown: Shown, now: datetime) -> Iterator[tuple[str, str]]:
    if shown.unreadable:
        yield "live", "it cannot be read as a task: reconciler apply --heal writes the spec over it"
        yield "changed", _who(shown.changed_by, shown.changed_at, now)
    elif shown.live is None:
        yield "live", "it is gone: deleted behind the back of the state"
    else:
        task = Task.model_validate(shown.live)
        for text in describe(task, now):
            yield "does", text
        yield "status", task.spec.status
        if task.metadata.owner:
            yield "owner", task.metadata.owner
        yield "changed", _who(shown.changed_by, shown.changed_at, now)
    if shown.applied is None:
        yield "applied", "never from here: reconciler import writes a spec for it"
    else:
        commit = f", commit {shown.commit[:7]}" if shown.commit else ""
        file = f", {shown.file}" if shown.file else ""
        yield "applied", f"{_who(shown.applied_by, shown.applied_at, now)}{file}{commit}"
        drift = plural(len(shown.drift), "field") if shown.drift else "none"
        yield "drift", "the whole task" if shown.unreadable else drift
    yield from _bases(shown)
    for one in shown.unseen:
        yield "not seen", unseen_text(one, now)
    for silent in shown.unpolled:
        yield "not polled", unpolled_text(silent, now)
    for fire in shown.fires:
        yield "next", f"{spell_moment(fire.at, now)} UTC by timer {fire.timer}"
    if not shown.runs:
        yield "runs", "none yet"


def _bases(shown: Shown) -> Iterator[tuple[str, str]]:
    """What the task stands on: each image with its kind and place."""
    if shown.applied is None:
        return
    reading = shown.bases
    if reading is None:
        yield "bases", "unknown until its next run: it was applied by an earlier version"
        return
    images, unknown = reading.bases.images, reading.bases.unknown
    for base in images:
        place = f", {base.file}:{base.line}" if base.line else f", {base.file}" if base.file else ""
        source = ", seen by a run" if reading.source == "observed" else ""
        yield "bases", f"{base.reference} ({base.kind}, {base.platform}{place}{source})"
    if unknown is not None:
        until = "its first run" if not shown.runs else "its next run"
        until = f"the daemon has read it, or {until}" if shown.untracked else until
        yield "bases", f"{'more ' if images else ''}unknown until {until}: {unknown}"
    elif not images:
        yield "bases", "none: nothing it builds comes from an image"


def _bases_json(reading: Reading | None) -> dict[str, Any] | None:
    if reading is None:
        return None
    return {
        "source": reading.source,
        "at": to_iso(reading.at),
        "unknown": reading.bases.unknown,
        "images": [dataclasses.asdict(base) for base in reading.bases.images],
    }


def _who(by: str | None, at: datetime | None, now: datetime) -> str:
    when = (
        f"{at:%Y-%m-%d %H:%M} UTC ({spell_ago(at, now)})" if at else "at a time that is not known"
    )
    return f"{when} by {by}" if by else when


def show_json(shown: Shown) -> dict[str, Any]:
    """The output of `show -o json` and `-o yaml`: documents with every default written out."""
    return {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "address": shown.address,
        "live": full_of(shown.live) if shown.live is not None else None,
        "unreadable": shown.unreadable,
        "changed_by": shown.changed_by,
        "changed_at": to_iso(shown.changed_at) if shown.changed_at else None,
        "applied": full_of(shown.applied) if shown.applied is not None else None,
        "applied_by": shown.applied_by,
        "applied_at": to_iso(shown.applied_at) if shown.applied_at else None,
        "file": shown.file,
        "commit": shown.commit,
        "apply_id": shown.apply_id,
        "bases": _bases_json(shown.bases),
        "unseen": [unseen_json(one) for one in shown.unseen],
        "unpolled": [unpolled_json(one) for one in shown.unpolled],
        "drift": [dataclasses.asdict(field) for field in shown.drift],
        "next": [{"timer": fire.timer, "at": to_iso(fire.at)} for fire in shown.fires],
        "runs": runs_json(shown.runs)["runs"],
        "unserved": runs_json((), shown.unserved)["unserved"],
    }


def show_yaml(shown: Shown) -> str:
    """The same as YAML, harmless to a terminal."""
    return "\n".join(map(harmless, write_document(show_json(shown)).splitlines()))


def difference_lines(found: Difference, width: int) -> list[str]:
    """The whole output of `diff`."""
    lines = []
    for name in found.only_first:
        lines += wrap(harmless(f"- {name}  only in {found.first}"), width, "    ")
    for name in found.only_second:
        lines += wrap(harmless(f"+ {name}  only in {found.second}"), width, "    ")
    for one in found.differing:
        lines += wrap(harmless(f"~ {one.name}  {plural(len(one.paths), 'field')}"), width, "    ")
        lines += [line for field in one.paths for line in field_lines(field, width)]
    lines += [""] if lines else []
    told = (
        f"{found.first} -> {found.second}: {found.same:,} the same, "
        f"{len(found.differing):,} different, {len(found.only_first):,} only in {found.first}, "
        f"{len(found.only_second):,} only in {found.second}."
    )
    return [*lines, *wrap(told, width)]


def difference_json(found: Difference) -> dict[str, Any]:
    """The output of `diff -o json`."""
    return {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "first": found.first,
        "second": found.second,
        "same": found.same,
        "only_first": list(found.only_first),
        "only_second": list(found.only_second),
        "differing": [
            {"name": one.name, "paths": [dataclasses.asdict(field) for field in one.paths]}
            for one in found.differing
        ],
    }
