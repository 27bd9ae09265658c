"""What is told of a run while it goes on, for people. Reads nothing, decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from reconciler.base.clock import spell_duration
from reconciler.base.text import cut, harmless, plural, wrap
from reconciler.model.run import BaseImage, RunRecord, StepStatus
from reconciler.report.runs import LABEL, short_digest, spell_bytes, title

_MOST_ROWS = 8


def progress_lines(before: RunRecord | None, now: RunRecord, width: int) -> list[str]:
    """What a new state of a record tells that the one before did not."""
    lines = []
    if now.started and not (before and before.started):
        lines += _header(now, width)
    if now.context_bytes is not None and not (before and before.context_bytes is not None):
        lines += _labelled("context", _context(now), width)
    known = set(before.bases) if before else set()
    lines += _images((base for base in now.bases if base not in known), width)
    return lines


def _images(new: Iterable[BaseImage], width: int) -> Iterator[str]:
    """What builds stand on and what containers start from, each with its label in front once."""
    label = ""
    for kind, told in dict.fromkeys((_kind(base), _base(base)) for base in new):
        yield from _labelled(kind if kind != label else "", told, width)
        label = kind


def _kind(base: BaseImage) -> str:
    return "images" if base.role == "step" else "bases"


def _header(record: RunRecord, width: int) -> list[str]:
    facts = [
        f"run {record.id}",
        title(record),
        f"{record.trigger} by {record.actor}",
        record.platform,
        f"timeout {spell_duration(record.timeout)}",
    ]
    return wrap(harmless("  ".join(facts)), width, " " * LABEL)


def _context(record: RunRecord) -> str:
    dirty = " with changes" if record.dirty else ""
    commit = f" at {record.commit[:7]}{dirty}" if record.commit else ""
    size = f"{plural(record.context_files or 0, 'file')}, {spell_bytes(record.context_bytes or 0)}"
    return f"{record.source}{commit}   {size} in {spell_duration(record.context_seconds or 0)}"


def _base(base: BaseImage) -> str:
    if base.digest:
        name = base.reference.partition("@")[0]
        return f"{name}@{short_digest(base.digest)}"
    local = f"  (local image {short_digest(base.image_id)})" if base.image_id else ""
    return base.reference + local


def _labelled(label: str, text: str, width: int) -> list[str]:
    return wrap(harmless(f"{label:<{LABEL}}{text}"), width, " " * LABEL)


def running_rows(record: RunRecord | None, now: datetime, width: int) -> list[str]:
    """What goes on at this moment: a row for each running step, or that the run prepares itself.

    At most eight rows of `width` columns: `build    > running 12 s  (2 of 5 steps done)`.
    """
    if record is None or record.started is None or record.finished is not None:
        return []
    running = [step for step in record.steps if step.status is StepStatus.RUNNING and step.started]
    ended = sum(step.finished is not None for step in record.steps)
    done = f"  ({ended} of {plural(len(record.steps), 'step')} done)" if record.steps else ""
    if not running:
        return [cut(f"{'run':<{LABEL - 1}} > preparing {_since(record.started, now)}{done}", width)]
    rows = [
        f"{harmless(step.name):<{LABEL - 1}} > running {_since(step.started or now, now)}"
        for step in running
    ]
    rows[0] += done
    more = len(rows) - _MOST_ROWS
    if more > 0:
        rows = [*rows[: _MOST_ROWS - 1], f"{'':<{LABEL - 1}} > and {more + 1} more"]
    return [cut(row, width) for row in rows]


def _since(moment: datetime, now: datetime) -> str:
    # Whole seconds: what flickers ten times a second is not read.
    return spell_duration(max(int((now - moment).total_seconds()), 0)).replace(".0 s", " s")
