"""Runs as lines for people and as values for machines. Reads nothing, decides nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from reconciler.base.clock import spell_ago, spell_duration, to_iso
from reconciler.base.invisible import without_sequences
from reconciler.base.text import cut, harmless, plural, table, wrap
from reconciler.model.run import (
    LogLine,
    OutputImage,
    RunRecord,
    RunStatus,
    StepRecord,
    StepStatus,
)
from reconciler.operations.running.unserved import Unserved

FORMAT_VERSION = 1
LABEL = 9
_NO_TEXT = re.compile("([\udc80-\udcff]+)")
_WORDS = {
    RunStatus.QUEUED: "is queued",
    RunStatus.RUNNING: "is running",
    RunStatus.SUCCEEDED: "succeeded",
    RunStatus.FAILED: "failed",
    RunStatus.CANCELED: "was canceled",
    RunStatus.ERROR: "broke off",
    RunStatus.TIMEOUT: "ran out of time",
}


# ---------------------------------------------------------------- in one line
def title(record: RunRecord) -> str:
    """The task's address, or what was run without one."""
    if record.task:
        return record.task
    file = record.request.get("file")
    if isinstance(file, dict):
        return f"task file {file.get('path')}"
    if record.request.get("pack"):
        return "pack build"
    return "command" if record.request.get("inline") else "quick build"


def spell_bytes(count: int) -> str:
    """`812 B`, `214 kB`, `1.2 GB`."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:.1f} {unit}" if unit != "B" and size < 10 else f"{size:.0f} {unit}"


def short_digest(digest: str | None) -> str:
    """The beginning of a digest, enough for people."""
    kind, _, text = (digest or "").rpartition(":")
    return f"{kind}:{text[:12]}" if kind else text[:12]


def log_text(line: LogLine) -> str:
    """`build    | text`, with nothing in it that moves a cursor."""
    text = line.line
    if not text.isprintable():
        text = _clean(_without_sequences(text).decode("utf-8", "replace"))
    return f"{harmless(line.step):<{LABEL - 1}} | {text}".rstrip()


def log_bytes(line: LogLine) -> bytes:
    """The same for a file or another program: bytes that are not UTF-8 are those of the program."""
    if line.line.isprintable():
        return log_text(line).encode()
    pieces = _NO_TEXT.split(_without_sequences(line.line).decode("utf-8", "surrogateescape"))
    # Every second piece is what was no text.
    pieces[::2] = [_clean(piece) for piece in pieces[::2]]
    text = f"{harmless(line.step):<{LABEL - 1}} | {''.join(pieces)}".rstrip()
    return text.encode("utf-8", "surrogateescape")


def _without_sequences(text: str) -> bytes:
    # Colours and cursor movements of the program, cut as the mask has cut them.
    return without_sequences(text.encode("utf-8", "surrogateescape"))


def _clean(text: str) -> str:
    return harmless(text.replace("\t", "    "))


# ----------------------------------------------------------------- at the end
def end_lines(record: RunRecord, width: int) -> list[str]:
    """How a run ended: its steps, its images, or why it failed and where to read on."""
    lines = _steps(record, width)
    seconds = spell_duration(run_seconds(record))
    if record.status is RunStatus.SUCCEEDED:
        return lines + _success(record, seconds, width)
    reason = f" (reason: {record.reason})" if record.reason else ""
    message = f"run {record.id} {_WORDS[record.status]} in {seconds}: {record.message}{reason}"
    lines += wrap(harmless(message.replace("\n", " ")), width, "  ")
    return lines + _advice(record, width)


def _steps(record: RunRecord, width: int) -> list[str]:
    done = [step for step in record.steps if step.started and step.finished]
    cells = [f"{step.name}  {_step_word(step)}  {spell_duration(_lasted(step))}" for step in done]
    line = "  " + " ".join(f"{cell:<28}" for cell in cells)
    if len(line.rstrip()) <= width:
        return [line.rstrip()] if cells else []
    return ["  " + cut(cell, width - 2) for cell in cells]


def _step_word(step: StepRecord) -> str:
    word = step.status.value if step.status is not StepStatus.FAILED else "FAILED"
    told: int | str | None = step.exit_code
    if told is None and step.status is StepStatus.IGNORED:
        told = step.reason
    # A success with 0 is told by its word; 0 can be a failure too, where a task file says so.
    if told is None or (told == 0 and step.status is StepStatus.SUCCEEDED):
        return word
    return f"{word} ({told})"


def _lasted(step: StepRecord) -> float:
    if step.started is None or step.finished is None:
        return 0
    return (step.finished - step.started).total_seconds()


def run_seconds(record: RunRecord) -> float:
    """How long a run took, 0 if it never began."""
    if record.started is None or record.finished is None:
        return 0
    return (record.finished - record.started).total_seconds()


def _success(record: RunRecord, seconds: str, width: int) -> list[str]:
    start = f"run {record.id} succeeded in {seconds}"
    images = [_output(output, record.registry) for output in record.outputs]
    if not images and record.request.get("compat"):
        return [start]  # a task file says itself what it makes
    if not images:
        return wrap(f"{start}: nothing was pushed (no -t)", width, "  ")
    if not any(output.digest for output in record.outputs):
        return wrap(f"{start}: nothing was pushed; built {', '.join(images)}", width, "  ")
    return wrap(f"{start}: {', '.join(images)}", width, "  ")


def _output(output: OutputImage, registry: str | None) -> str:
    name = output.reference.removeprefix(f"{registry}/")
    return f"{name}@{short_digest(output.digest)}" if output.digest else name


def _advice(record: RunRecord, width: int) -> list[str]:
    begun = [step for step in record.steps if step.started]
    blamed = _first_failed(begun) or begun[-1:]
    left = [step.name for step in record.steps if step.status is StepStatus.SKIPPED]
    lines = []
    for step in blamed:
        text = f"  last lines above; all of it: reconciler logs {record.id} --step {step.name}"
        lines += wrap(text, width, "    ")
    if left and begun:
        lines.append(f"  not run: {', '.join(left)}")
    return lines


def _first_failed(steps: Sequence[StepRecord]) -> list[StepRecord]:
    """The step that ended the run, if one did: others were stopped for it, or failed after it."""
    bad = [step for step in steps if step.status in {StepStatus.FAILED, StepStatus.TIMED_OUT}]
    return sorted(bad, key=lambda step: step.finished.timestamp() if step.finished else 0)[:1]


def lost_lines(records: Sequence[RunRecord], width: int) -> list[str]:
    """What is told about runs whose process disappeared."""
    return [
        line
        for record in records
        for line in wrap(
            harmless(f"warning: run {record.id} ({title(record)}) is lost: {record.message}"),
            width,
            "  ",
        )
    ]


# --------------------------------------------------------------------- lists
def runs_lines(records: Sequence[RunRecord], now: datetime, width: int | None) -> list[str]:
    """A table of runs, newest first; whole without a width: a file has no margin."""
    if not records:
        return ["no runs"]
    header = ("RUN", "TASK", "STATUS", "STARTED", "TOOK", "RESULT")
    rows = [_row(record, now) for record in records]
    lines = table(header, rows)
    return lines if width is None else [cut(line, width) for line in lines]


def event_lines(records: Sequence[RunRecord], width: int) -> list[str]:
    """Which images woke runs: `ID: BASE, 0123 -> 4567`."""
    lines = []
    for record in records:
        for one in record.event:
            before = short_digest(one.previous) if one.previous else "nothing"
            told = f"{record.id}: {one.image} moved, {before} -> {short_digest(one.digest)}"
            lines += wrap(harmless(told), width, "  ")
    return lines


def unserved_lines(pools: Sequence[Unserved], now: datetime, width: int | None) -> list[str]:
    """Runs that wait for a worker of a pool that nobody serves."""
    found = []
    for one in pools:
        since = f"since {spell_ago(one.since, now)}" if one.since is not None else "so far"
        count = len(one.runs)
        which = f"run {one.runs[0]} waits" if count == 1 else f"{plural(count, 'run')} wait"
        text = f"{which} for a worker of the pool {harmless(one.pool)}: none has served it {since}"
        found += [text] if width is None else wrap(text, width, "  ")
    return found


def _row(record: RunRecord, now: datetime) -> tuple[str, ...]:
    status = record.status.value
    if record.reason:
        status = f"{status} {record.reason}"
    took = spell_duration(run_seconds(record)) if record.finished else "-"
    started = spell_ago(record.started or record.queued, now)
    return (record.id, harmless(record.task or "-"), status, started, took, _result(record))


def _result(record: RunRecord) -> str:
    pushed = [output for output in record.outputs if output.digest]
    if not pushed:
        return "-"
    more = f" and {len(pushed) - 1} more" if len(pushed) > 1 else ""
    return _output(pushed[0], record.registry) + more


def runs_json(records: Sequence[RunRecord], unserved: Sequence[Unserved] = ()) -> dict[str, Any]:
    """Runs for machines: times UTC ISO 8601, every field of the record.

    `unserved` are pools that some of them wait for and that nobody serves.
    """
    return {
        "format_version": FORMAT_VERSION,
        "runs": [
            record.model_dump(mode="json", by_alias=True, exclude={"wanted"}) for record in records
        ],
        "unserved": [
            {
                "pool": one.pool,
                "since": to_iso(one.since) if one.since is not None else None,
                "runs": list(one.runs),
            }
            for one in unserved
        ],
    }
