"""Log lines of a run: one JSON object per line in `logs/RUN.jsonl`, readable by its owner only.

Fields: `t` (UTC), `step`, `attempt`, `stream`, `line`, and `more: true` where a line of more than
64 kB goes on in the next object. Bytes that are not UTF-8 stand as surrogate escapes
(`\\udc80`-`\\udcff`): decoding with `surrogateescape` gives exactly the bytes of the program.
What is written here has been masked before.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from reconciler.base.clock import from_iso, to_iso
from reconciler.base.errors import StateUnusable
from reconciler.model.run import LogLine

_RUN_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


def log_path(folder: Path, run_id: str) -> Path:
    """Where the log of a run stands; `folder` is the state's folder for logs. ValueError."""
    if not _RUN_ID.fullmatch(run_id):
        raise ValueError(run_id)
    return folder / f"{run_id}.jsonl"


class LogFile:
    """The log of a run while it is written. Lines are on disk when `write` returns."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
            self._file = os.fdopen(handle, "ab", buffering=0)
        except OSError as error:
            raise _unusable(path, error) from None
        self._path = path

    def write(self, line: LogLine) -> None:
        """Append one line. Raises StateUnusable, for a run without its log is not kept."""
        data = json.dumps(to_json(line), separators=(",", ":")).encode("ascii") + b"\n"
        try:
            with self._lock:
                self._file.write(data)
        except OSError as error:
            raise _unusable(self._path, error) from None

    def close(self) -> None:
        """Close the file."""
        self._file.close()


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
            return file.read(4 * 1024 * 1024)
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
    return StateUnusable(
        f"the log {path.name} cannot be used: {error.strerror}",
        details=[("folder", str(path.parent))],
    )
