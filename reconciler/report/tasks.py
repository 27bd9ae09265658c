"""Live tasks as a table for people and as values for machines. Reads nothing, decides nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from reconciler.base.clock import spell_ago, to_iso
from reconciler.base.text import cut, one_line, plural, some_of, table, wrap
from reconciler.model.run import RunRecord, RunStatus
from reconciler.model.task import Task
from reconciler.model.trigger import SourceTrigger
from reconciler.operations.showing.tasks import LiveRow
from reconciler.report.unpolled import unpolled_json, unpolled_text
from reconciler.report.unseen import unseen_json, unseen_text

FORMAT_VERSION = "1.0"
_NO_OWNER = "no owner"
_PROSE = 80
_MOST_UNSEEN = 10
_WORDS = {
    RunStatus.SUCCEEDED: "ok",
    RunStatus.FAILED: "FAIL",
    RunStatus.TIMEOUT: "TIMEOUT",
    RunStatus.ERROR: "ERROR",
}
# No column is wider than this, however wide the terminal is.
_WIDEST = {"TASK": 40, "OWNER": 20, "TRIGGERS": 32, "SOURCE": 48, "IMAGE": 40, "IDENTITY": 20}
# Where that is too much: first the columns left out, then those made narrower, and so on.
_NARROWER: tuple[tuple[str, int], ...] = (
    ("IDENTITY", 0), ("IMAGE", 0), ("SOURCE", 0), ("STATUS", 0), ("TRIGGERS", 12), ("TASK", 20),
    ("OWNER", 8), ("NEXT", 0), ("TRIGGERS", 0), ("LAST RUN", 14), ("TASK", 14),
)  # fmt: skip


# ----------------------------------------------------------------- for people
def tasks_lines(rows: Sequence[LiveRow], now: datetime, width: int | None) -> list[str]:
    """A table at most `width` (at least 40) columns wide; whole without one, as for a file.

    The columns that do not fit stand below each row.
    """
    if not rows:
        return ["no live tasks; make them with: reconciler apply"]
    columns = _columns(rows, now)
    if width is None:
        lines = table(list(columns), list(zip(*columns.values(), strict=True)))
        return [*lines, *_end(rows, _PROSE), *_troubles(rows, now, _PROSE)]
    widths = _fit(
        {title: max(map(len, [title, *cells])) for title, cells in columns.items()}, width
    )
    shown = {title: [cut(cell, widths[title]) for cell in columns[title]] for title in widths}
    header, *lines = table(list(shown), list(zip(*shown.values(), strict=True)))
    below = {title: cells for title, cells in columns.items() if title not in widths}
    told = [header]
    for number, line in enumerate(lines):
        told += [line, *_below({title: cells[number] for title, cells in below.items()}, width)]
    return [*told, *_end(rows, width), *_troubles(rows, now, width)]


def _below(cells: Mapping[str, str], width: int) -> list[str]:
    """What has no column, in the lines under a row; a value that says nothing is left out."""
    lines: list[str] = []
    for title, cell in cells.items():
        if cell in {"-", "?"}:
            continue
        told = f"{title.lower()}: {cell}"
        if lines and len(lines[-1]) + 2 + len(told) <= width:
            lines[-1] += f"  {told}"
        else:
            lines += wrap(f"    {told}", width, "      ")
    return lines


def _fit(widths: dict[str, int], room: int) -> dict[str, int]:
    """The columns that are shown and how wide each may be."""
    found = {title: min(size, _WIDEST.get(title, size)) for title, size in widths.items()}
    for title, least in _NARROWER:
        excess = sum(found.values()) + 2 * (len(found) - 1) - room
        if excess <= 0:
            break
        if not least:
            found.pop(title, None)
        elif found.get(title, 0) > least:
            found[title] = max(found[title] - excess, least)
    return found


def _columns(rows: Sequence[LiveRow], now: datetime) -> dict[str, list[str]]:
    cells = [_cells(row, now) for row in rows]
    return {title: [one_line(cell[title]) for cell in cells] for title in cells[0]}


def _troubles(rows: Sequence[LiveRow], now: datetime, width: int) -> Iterator[str]:
    """What keeps pushes from being heard of."""
    yield from _unseen(rows, now, width)
    yield from _unpolled(rows, now, width)
    yield from _untracked(rows, width)


def _unseen(rows: Sequence[LiveRow], now: datetime, width: int) -> Iterator[str]:
    """Base images that nobody can look at, each once for all its tasks."""
    tasks = Counter(one for row in rows for one in row.unseen)
    for one, count in list(tasks.items())[:_MOST_UNSEEN]:
        yield from wrap(f"{unseen_text(one, now)}; {plural(count, 'task')}", width, "  ")
    if len(tasks) > _MOST_UNSEEN:
        yield f"and {plural(len(tasks) - _MOST_UNSEEN, 'base image')} more that cannot be seen"


def _unpolled(rows: Sequence[LiveRow], now: datetime, width: int) -> Iterator[str]:
    """Repositories that do not answer polls, each once for all its tasks."""
    tasks = Counter(one for row in rows for one in row.unpolled)
    for one, count in list(tasks.items())[:_MOST_UNSEEN]:
        yield from wrap(f"{unpolled_text(one, now)}; {plural(count, 'task')}", width, "  ")
    if (more := len(tasks) - _MOST_UNSEEN) > 0:
        yield f"and {more:,} more of repositories that cannot be polled"


def _untracked(rows: Sequence[LiveRow], width: int) -> Iterator[str]:
    """Tasks that pushes may not reach, each reason once for all its tasks."""
    names: dict[str, list[str]] = {}
    for row in rows:
        if row.untracked is not None:
            names.setdefault(row.untracked, []).append(row.address)
    for why, those in list(names.items())[:_MOST_UNSEEN]:
        told = f"not known what all they stand on: {some_of(those)}: {one_line(why, 200)}"
        yield from wrap(told, width, "  ")
    if more := sum(map(len, list(names.values())[_MOST_UNSEEN:])):
        yield f"and {plural(more, 'task')} more of which that is not known"


def _cells(row: LiveRow, now: datetime) -> dict[str, str]:
    task = row.task
    return {
        "TASK": row.address,
        "OWNER": (task.metadata.owner or _NO_OWNER) if task else "?",
        "TRIGGERS": _triggers(task) if task else "?",
        "STATUS": task.spec.status if task else "unreadable",
        "SOURCE": task.spec.context.source if task else "?",
        "IMAGE": _image(task) if task else "?",
        "IDENTITY": task.spec.identity.type if task else "?",
        "LAST RUN": _last_run(row.last_run, now),
        "NEXT": spell_ago(row.next_fire.at, now) if row.next_fire else "-",
    }


def _triggers(task: Task) -> str:
    """What wakes the task: enabled triggers only; `off` for a task that is disabled."""
    triggers = task.spec.triggers
    if task.spec.status == "Disabled":
        return "off"
    told = ["push"] * any(hook.status == "Enabled" for hook in triggers.commit)
    told += ["pr"] * any(hook.status == "Enabled" for hook in triggers.pull_request)
    base = triggers.base_image
    told += ["base"] * (base is not None and base.status == "Enabled")
    told += [item.schedule for item in triggers.timers.values() if item.status == "Enabled"]
    return ", ".join(told) or "-"


def _image(task: Task) -> str:
    if task.spec.docker is None:
        return "by its steps"
    images = task.images
    more = f" +{len(images) - 1}" if len(images) > 1 else ""
    return f"{images[0]}{more}" if images else "-"


def _last_run(run: RunRecord | None, now: datetime) -> str:
    if run is None:
        return "never"
    word = _WORDS.get(run.status, run.status.value.lower())
    when = spell_ago(run.finished or run.started or run.queued, now)
    return f"{run.id} {word} {when.removesuffix(' ago')}"


def _end(rows: Sequence[LiveRow], width: int) -> Iterator[str]:
    tasks = [row.task for row in rows if row.task is not None]
    counts = [
        (sum(task.metadata.owner is None for task in tasks), "without owner"),
        (sum(task.spec.status == "Disabled" for task in tasks), "off"),
        (len(rows) - len(tasks), "that this version cannot read"),
    ]
    told = [plural(len(rows), "task"), *(f"{count:,} {text}" for count, text in counts if count)]
    yield ""
    yield from wrap(", ".join(told), width, "  ")


# --------------------------------------------------------------- for machines
def tasks_json(rows: Sequence[LiveRow], now: datetime) -> dict[str, Any]:
    """The output of `tasks -o json`: times are UTC ISO 8601."""
    return {
        "format_version": FORMAT_VERSION,
        "as_of": to_iso(now),
        "tasks": [_row(row) for row in rows],
    }


def _row(row: LiveRow) -> dict[str, Any]:
    registry, _, name = row.address.partition("/")
    fire = row.next_fire
    return {
        "address": row.address,
        "registry": registry,
        "name": name,
        "readable": row.task is not None,
        **(_task(row.task) if row.task else {}),
        "last_run": _run(row.last_run) if row.last_run else None,
        "next_fire": {"timer": fire.timer, "at": to_iso(fire.at)} if fire else None,
        "unseen": [unseen_json(one) for one in row.unseen],
        "untracked": row.untracked,
        "unpolled": [unpolled_json(one) for one in row.unpolled],
        "changed_by": row.changed_by,
        "changed_at": to_iso(row.changed_at) if row.changed_at else None,
    }


def _task(task: Task) -> dict[str, Any]:
    spec = task.spec
    return {
        "owner": task.metadata.owner,
        "contact": task.metadata.contact,
        "status": spec.status,
        "triggers": list(_trigger_values(task)),
        "source": spec.context.source,
        "step": next(iter(type(spec.step).model_fields)),
        "images": list(task.images),
        "platform": spec.platform,
        "identity": {"type": spec.identity.type, "ids": list(spec.identity.ids)},
    }


def _trigger_values(task: Task) -> Iterator[dict[str, Any]]:
    triggers = task.spec.triggers
    hooks: list[tuple[str, SourceTrigger]] = [("commit", hook) for hook in triggers.commit]
    hooks += [("pull_request", hook) for hook in triggers.pull_request]
    for kind, hook in hooks:
        yield {"kind": kind, "name": hook.name, "status": hook.status, "branch": hook.branch}
    if base := triggers.base_image:
        yield {"kind": "base_image", "name": base.name, "status": base.status, "type": base.type}
    for name, timer in triggers.timers.items():
        facts = {"name": name, "status": timer.status, "schedule": timer.schedule}
        yield {"kind": "timer", **facts}


def _run(run: RunRecord) -> dict[str, Any]:
    whole = run.model_dump(mode="json")
    kept = ("id", "status", "reason", "trigger", "actor", "queued", "started", "finished", "commit")
    return {name: whole[name] for name in kept}
