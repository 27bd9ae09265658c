"""Times whole processes: wall seconds and peak memory, median of several runs."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """Median wall seconds, the spread, and the peak resident memory in MB (0: not measured)."""

    seconds: float
    fastest: float
    slowest: float
    megabytes: float = 0


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure must not exceed; `rule` says how it follows from the peer.

    `unit` is that of bar and figure, where they are no seconds.
    """

    seconds: float | None = None
    megabytes: float | None = None
    rule: str = ""
    unit: str = " s"

    def __str__(self) -> str:
        parts = [
            f"{self.seconds:.3g}{self.unit}" if self.seconds is not None else "",
            f"{self.megabytes:.0f} MB" if self.megabytes is not None else "",
            f"({self.rule})" if self.rule else "",
        ]
        return " ".join(filter(None, parts))

    def met(self, figure: Figure) -> bool:
        """True if the figure stays within it."""
        in_time = self.seconds is None or figure.seconds <= self.seconds
        return in_time and (self.megabytes is None or figure.megabytes <= self.megabytes)


def beside(peer: Figure, times: float, plus: float = 0.0) -> Bar:
    """The bar `times` x the peer's median + `plus` seconds."""
    rule = " + ".join(
        filter(None, [f"{times:.2f} x" if times != 1 else "peer", f"{plus:g} s" if plus else ""])
    )
    return Bar(seconds=times * peer.seconds + plus, rule=rule)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `peer` is measured beside it, and named by `peer_name`.

    Without a figure the row could not be measured: `note` says why.
    """

    name: str
    figure: Figure | None
    bar: Bar | None = None
    peer_name: str = ""
    peer: Figure | None = None
    note: str = ""


def summary(seconds: Sequence[float], megabytes: float = 0) -> Figure:
    """The figure of several measurements."""
    return Figure(statistics.median(seconds), min(seconds), max(seconds), megabytes)


def run(
    argv: Sequence[str],
    folder: Path,
    *,
    times: int = 3,
    codes: Sequence[int] = (0,),
    environment: Mapping[str, str] | None = None,
    before: Callable[[], None] | None = None,
) -> Figure:
    """Run a command several times, `before` each of them something that is not measured.

    Raises RuntimeError when it leaves with an unwanted code.
    """
    found = []
    for _ in range(times):
        if before is not None:
            before()
        found.append(_once(argv, folder, codes, environment))
    return summary([one[0] for one in found], max(one[1] for one in found))


def _once(
    argv: Sequence[str], folder: Path, codes: Sequence[int], environment: Mapping[str, str] | None
) -> tuple[float, float]:
    # Errors go to a file: nobody has to read a pipe while the command is waited for.
    with tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            list(argv),
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        # The peak is never less than our own memory when the command was started: the kernel
        # counts the copy of this process in. So nothing big is imported here.
        with _watched(process.pid) as family:
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - started
        process.returncode = code = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        told = errors.read().decode("utf-8", "replace")
    if code not in codes:
        raise RuntimeError(f"{' '.join(argv)} left with {code}: {told[-500:]}")
    return seconds, max(usage.ru_maxrss / 1024, family.megabytes)


class _Family:
    """The peak memory of a process and its children together; what they share counts once."""

    megabytes = 0.0

    def look(self, pid: int) -> None:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if children:
            self.megabytes = max(self.megabytes, sum(map(_share, [str(pid), *children])))


def _share(pid: str) -> float:
    """The proportional share of memory of a process, in MB."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


@contextlib.contextmanager
def _watched(pid: int) -> Iterator[_Family]:
    """Looks at the memory of a process that has children a few times a second."""
    family, done = _Family(), threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            with contextlib.suppress(OSError, ValueError):
                family.look(pid)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield family
    finally:
        done.set()
        thread.join()


def table(rows: Sequence[Row]) -> list[str]:
    """The rows as aligned text."""
    lines = [f"{'what':<44} {'median':>9} {'peak':>8}  {'bar':<24} {'':<8} beside"]
    for row in rows:
        bar = str(row.bar or "")
        words = [f"{row.name:<44} {_figure(row)}  {bar:<24} {_verdict(row):<8}"]
        words += [f"{row.peer_name}{_peer(row)}", row.note]
        lines.append(" ".join(filter(None, words)).rstrip())
    return lines


def _figure(row: Row) -> str:
    figure = row.figure
    if figure is None:
        return f"{'-':>9} {'-':>8}"
    peak = f"{figure.megabytes:.0f} MB" if figure.megabytes else "-"
    unit = row.bar.unit if row.bar is not None else " s"
    return f"{figure.seconds:>7.3f}{unit} {peak:>8}"


def _verdict(row: Row) -> str:
    if row.bar is None or row.figure is None:
        return ""
    return "met" if row.bar.met(row.figure) else "NOT MET"


def _peer(row: Row) -> str:
    if row.peer is None or row.figure is None:
        return ""
    return f" {row.peer.seconds:.3f} s x {row.figure.seconds / row.peer.seconds:.2f}"
