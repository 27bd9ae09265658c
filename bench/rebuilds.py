"""A base image that very many tasks stand on moves: how long until all their runs wait.

In a process of its own, over a state on disk: from the end of the quiet window to the last commit.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench.given import Given
from bench.measure import Bar, Row, summary
from reconciler.engine.rebuilding import Rebuilding
from reconciler.engine.standing import Standing
from reconciler.model.tracked import TaskBases, TrackedBase
from reconciler.model.trigger import BaseImageTrigger
from reconciler.model.watched import Move, Served
from reconciler.store.database import open_database
from reconciler.store.rebuilds import add_move
from reconciler.store.task_bases import put_bases

_TASKS, _TIMES = 10_000, 3
_BASE = "contoso.azurecr.io/base:1"


def base_push(given: Given) -> Iterator[Row]:
    """All at once stand on the base itself: one wave."""
    argv = [sys.executable, "-m", "bench.rebuilds", str(_TASKS), str(given.folder)]
    seconds = []
    for _ in range(_TIMES):
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        seconds.append(float(done.stdout))
    yield Row(f"a base push to {_TASKS:,} tasks, queued", summary(seconds), Bar(2.0))


def _queue_all(count: int, folder: Path) -> float:
    now, database = datetime.now(UTC), open_database("sqlite:///state.db", folder)
    one = TrackedBase(reference=_BASE, platform="linux/amd64", kind="runtime")
    move = Move(_BASE, Served("sha256:" + "a" * 64), Served("sha256:" + "b" * 64))
    book = {}
    with database.write() as connection:
        for number in range(count):
            address = f"contoso/task-{number:05}"
            put_bases(connection, address, TaskBases(images=(one,)), "declared", now)
            images = (f"contoso.azurecr.io/app-{number:05}:1",)
            book[address] = Standing(address, "default", BaseImageTrigger(), True, images)
        add_move(connection, move, now.timestamp() - 1, quiet=0, longest=0)
    rebuilding, queued, started = Rebuilding(database, 10), 0, time.perf_counter()
    while found := rebuilding.step(book, now):
        queued += found
    seconds = time.perf_counter() - started
    if queued != count:
        raise RuntimeError(f"{queued} of {count} runs were queued")
    return seconds


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[2]) as place:
        print(_queue_all(int(sys.argv[1]), Path(place)))
