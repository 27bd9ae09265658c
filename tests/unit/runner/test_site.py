"""The place of a run: made side by side, and only removed once all of it has been made."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from reconciler.model.run import Reason, RunStatus
from tests.unit.runner.test_steps import Bench, cmd, ended

_LONGEST = 10.0


def test_network_workspace_and_builder_do_not_wait_for_each_other(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    together = threading.Barrier(3, timeout=_LONGEST)
    _before(bench.containers, "create_network", together.wait)
    _before(bench.containers, "create_workspace", together.wait)
    _before(bench.run, "engine_port", together.wait)
    assert bench.go(cmd("a", "ok")).status is RunStatus.SUCCEEDED


def test_nothing_is_removed_while_something_is_still_being_made(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    failed, removed = threading.Event(), threading.Event()
    removed_first: list[bool] = []

    def fail() -> None:
        failed.set()
        raise OSError(28, "No space left on device")

    def linger() -> None:
        failed.wait(_LONGEST)
        removed_first.append(removed.wait(0.05))

    _before(bench.containers, "create_network", linger)
    _before(bench.containers, "create_workspace", fail)
    _before(bench.containers, "remove_run", removed.set)
    record = bench.go(cmd("a", "ok"))
    assert ended(record) == (RunStatus.ERROR, Reason.DISK)
    assert removed_first == [False]
    assert bench.containers.removed == ["r234567"]


def _before(thing: Any, name: str, first: Any) -> None:
    """Do something else first, whenever a method is called."""
    original = getattr(thing, name)

    def both(*args: Any, **more: Any) -> Any:
        first()
        return original(*args, **more)

    setattr(thing, name, both)
