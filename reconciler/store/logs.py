"""Log lines of a run: one JSON object per line in `logs/RUN.jsonl`, readable by its owner only.

Fields: `t` (UTC), `step`, `attempt`, `stream`, `line`, and `more: true` where a line of more than
64 kB goes on in the next object. Bytes that are not UTF-8 stand as surrogate escapes
(`\\udc80`-`\\udcff`): decoding with `surrogateescape` gives exactly the bytes of the program.
What is written here has been masked before.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from reconciler.base.clock import from_iso, to_iso
from reconciler.base.errors import StateFull, StateUnusable
from reconciler.base.room import FIX, full_disk, is_full
from reconciler.model.run import LogLine

# A program that prints without end must not fill the disk.
LARGEST = 8 * 1024**3
# Held back on the disk, so that the end of a run can be written down when there is no room.
RESERVE = 1024**2
_AT_ONCE = 4 * 1024**2  # bytes
_quoted = json.JSONEncoder().encode
_RUN_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


def log_path(folder: Path, run_id: str) -> Path:
    """Where the log of a run stands; `folder` is the state's folder for logs. ValueError."""
    if not _RUN_ID.fullmatch(run_id):
        raise ValueError(run_id)
    return folder / f"{run_id}.jsonl"


class LogFile:
    """The log of a run while it is written. Lines are on disk when `write` returns.

    From `largest` bytes on, what programs print is not kept any more, and the log says so; our own
    notes are: they tell how it ended. So it is from the moment when the disk is full, and then the
    reserve that the log has held on it is given up.
    """

    def __init__(self, path: Path, largest: int = LARGEST) -> None:
        self._largest, self._full = largest, False
        self._refusal: StateUnusable | None = None
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
            self._file = os.fdopen(handle, "ab", buffering=0)
            self._size = os.fstat(handle).st_size
            try:
                self._reserve = _reserve(path.parent)
            except OSError:
                self._file.close()
                raise
        except OSError as error:
            raise _unusable(path, error) from None
        self._path = path

    def write(self, *lines: LogLine) -> None:
        """Append lines. Raises StateUnusable, for a run without its log is not kept.

        It is StateFull if the disk is full; then nothing of the lines but our notes is kept.
        """
        data = _encoded(lines)
        with self._lock:
            # What is left of the room is for notes.
            if self._refusal is not None and not _only_notes(lines):
                raise self._refusal
            try:
                if self._size + len(data) > self._largest:
                    data = _encoded(self._kept(lines))
                self._append(data)
            except OSError as error:
                self._refusal = self._refusal or _unusable(self._path, error)
                if not self._noted(lines):
                    raise self._refusal from None

    def _noted(self, lines: Sequence[LogLine]) -> bool:
        """Keep the notes in the room of the reserve. True if no other line was among them."""
        if not self.release():
            return False
        with contextlib.suppress(OSError):
            self._append(_encoded(line for line in lines if line.stream == "note"))
            return _only_notes(lines)
        return False

    def release(self) -> bool:
        """Give up the reserve: there is room for the end of the run. False if it was given up."""
        held = not self._reserve.closed
        self._reserve.close()
        return held

    def _kept(self, lines: Sequence[LogLine]) -> Iterator[LogLine]:
        for line in lines:
            if line.stream == "note":
                yield line
            elif not self._full:
                self._full = True
                text = f"the log has reached {self._largest:,} bytes: more output is not kept"
                yield LogLine(line.time, line.step, text, stream="note", attempt=line.attempt)

    def _append(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            # Half a line would spoil the next one; what was not stored whole is not shown either.
            with contextlib.suppress(OSError):
                os.ftruncate(self._file.fileno(), self._size)
            raise
        self._size += len(data)

    def close(self) -> None:
        """Close the file and give up the reserve."""
        self._file.close()
        self._reserve.close()


def _reserve(folder: Path) -> BinaryIO:
    """Room on the disk, in a file without a name: it is given up even if we are killed."""
    file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115  (held by the log)
    try:
        rest = memoryview(bytes(RESERVE))
        while rest:
            rest = rest[file.write(rest) :]
    except OSError:
        file.close()
        raise
    return file


def _only_notes(lines: Iterable[LogLine]) -> bool:
    return all(line.stream == "note" for line in lines)


def _encoded(lines: Iterable[LogLine]) -> bytes:
    """The stored form of lines: JSON of `to_json`, what neighbours share spelled once."""
    texts, shared, head = [], None, ""
    for line in lines:
        own = (line.time, line.step, line.attempt, line.stream)
        if own != shared:
            fields = to_json(line._replace(line="", more=False))
            # The text comes last: all in front of it is the same in the lines of one chunk.
            shared, head = own, json.dumps(fields, separators=(",", ":")).removesuffix('""}')
        end = ',"more":true}\n' if line.more else "}\n"
        texts.append(f"{head}{_quoted(line.line)}{end}")
    return "".join(texts).encode("ascii")


def to_json(line: LogLine) -> dict[str, Any]:
    """The stored form of a line."""
    fields = {
        "t": to_iso(line.time),
        "step": line.step,
        "attempt": line.attempt,
        "stream": line.stream,
        "line": line.line,
    }
    return {**fields, "more": True} if line.more else fields


class LogPart(NamedTuple):
    """Some lines, each with the position behind it; `at_end` if there were no more just now."""

    lines: Sequence[tuple[int, LogLine]]
    position: int
    at_end: bool


def read_part(path: Path, position: int) -> LogPart:
    """The whole lines from a position on, some megabytes at most. Raises StateUnusable."""
    data = _read_from(path, position)
    *whole, rest = data.split(b"\n")
    if not whole and len(rest) >= _AT_ONCE:
        return LogPart((), position + len(rest), at_end=False)  # no line of ours is so long
    lines = []
    for text in whole:
        position += len(text) + 1
        line = _line(text)
        if line is not None:
            lines.append((position, line))
    return LogPart(lines, position, at_end=len(data) < _AT_ONCE)


def read_log(path: Path) -> Iterator[LogLine]:
    """The stored lines, oldest first; nothing if there is no log. A half line is left out."""
    yield from follow_log(path, finished=lambda: True, sleep=lambda _seconds: None)


def follow_log(
    path: Path, *, finished: Callable[[], bool], sleep: Callable[[float], None]
) -> Iterator[LogLine]:
    """The stored lines, then those to come, until `finished()` and all of them were given."""
    position, rest, last = 0, b"", False
    while True:
        # Asked before reading: what was written before the end is still read after it.
        last = finished()
        data = _read_from(path, position)
        position += len(data)
        *whole, rest = (rest + data).split(b"\n")
        yield from filter(None, map(_line, whole))
        if last and not data:
            return
        if not data:
            sleep(0.2)


def _read_from(path: Path, position: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(position)
            return file.read(_AT_ONCE)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise _unusable(path, error) from None


def _line(data: bytes) -> LogLine | None:
    # A kill in the middle of a write can leave one line that is no JSON: the rest stays readable.
    try:
        found = json.loads(data)
        return LogLine(
            time=from_iso(found["t"]),
            step=str(found["step"]),
            line=str(found["line"]),
            stream=str(found.get("stream", "out")),
            attempt=int(found.get("attempt", 1)),
            more=bool(found.get("more", False)),
        )
    except (ValueError, KeyError, TypeError):
        return None


def _unusable(path: Path, error: OSError) -> StateUnusable:
    if is_full(error):
        message = f"the log {path.name} cannot be written: {full_disk(path.parent)}"
        return StateFull(message, hint=FIX)
    return StateUnusable(
        f"the log {path.name} cannot be used: {error.strerror}",
        details=[("folder", str(path.parent))],
    )
