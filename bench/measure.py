"""Times whole processes: wall seconds and peak memory, median of several runs."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """Median wall seconds, the spread, and the peak resident memory in MB."""

    seconds: float
    fastest: float
    slowest: float
    megabytes: float


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `bar` is the figure to stay under; `peer` is measured beside it."""

    name: str
    figure: Figure
    bar: str = ""
    peer: str = ""
    ratio: float | None = None
    note: str = ""


def run(
    argv: Sequence[str],
    folder: Path,
    *,
    times: int = 3,
    codes: Sequence[int] = (0,),
    environment: Mapping[str, str] | None = None,
) -> Figure:
    """Run a command several times. Raises RuntimeError when it leaves with an unwanted code."""
    found = [_once(argv, folder, codes, environment) for _ in range(times)]
    seconds = [one[0] for one in found]
    return Figure(
        statistics.median(seconds), min(seconds), max(seconds), max(one[1] for one in found)
    )


def _once(
    argv: Sequence[str], folder: Path, codes: Sequence[int], environment: Mapping[str, str] | None
) -> tuple[float, float]:
    started = time.perf_counter()
    with subprocess.Popen(
        list(argv),
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None  # noqa: S101
        told = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = code = os.waitstatus_to_exitcode(status)
    if code not in codes:
        raise RuntimeError(f"{' '.join(argv)} left with {code}: {told.decode()[-500:]}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def table(rows: Sequence[Row]) -> list[str]:
    """The rows as aligned text."""
    lines = [f"{'what':<44} {'median':>9} {'peak':>8}  {'bar':<14} beside"]
    for row in rows:
        figure = row.figure
        peer = f"{row.peer} x {row.ratio:.2f}" if row.ratio is not None else row.peer
        lines.append(
            f"{row.name:<44} {figure.seconds:>7.3f} s {figure.megabytes:>5.0f} MB"
            f"  {row.bar:<14} {peer}{'  ' + row.note if row.note else ''}".rstrip()
        )
    return lines
