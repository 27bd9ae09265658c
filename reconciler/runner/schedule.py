"""When each step of a graph starts, in threads, so many at a time. Knows nothing of containers."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Mapping

_LOOK_SECONDS = 0.1

Do = Callable[[str], None]
Done = tuple[str, BaseException | None]


def default_width() -> int:
    """How many steps run side by side unless told otherwise: two for each core."""
    return 2 * (os.cpu_count() or 1)


def run_graph(
    needs: Mapping[str, tuple[str, ...]],
    do: Do,
    *,
    width: int,
    halt: threading.Event,
    stopping: Callable[[], bool],
) -> BaseException | None:
    """Do every step once all it needs is done; the first error, or None.

    `do` runs in a thread and raises if the step failed; steps start in the order of `needs`, at
    most `width` at a time. After the first error, or once `stopping()` is true, no step starts any
    more and `halt` is set: those that run are expected to end soon. All of them have ended when
    this returns.
    """
    waiting = {step: set(wanted) for step, wanted in needs.items()}
    running: set[str] = set()
    done: queue.Queue[Done] = queue.Queue()
    first: BaseException | None = None
    while running or (waiting and not halt.is_set()):
        if not halt.is_set():
            _start_ready(waiting, running, do, done, width)
        if not running:
            break
        error = _one_that_ended(waiting, running, done)
        first = first or error
        if first is not None or stopping():
            halt.set()
    return first


def _start_ready(
    waiting: dict[str, set[str]],
    running: set[str],
    do: Do,
    done: queue.Queue[Done],
    width: int,
) -> None:
    for step in [step for step, needed in waiting.items() if not needed]:
        if len(running) >= width:
            return
        del waiting[step]
        running.add(step)
        threading.Thread(target=_work, args=(step, do, done), name=step, daemon=True).start()


def _work(step: str, do: Do, done: queue.Queue[Done]) -> None:
    try:
        do(step)
    except BaseException as error:  # noqa: BLE001  (handed to the thread that waits)
        done.put((step, error))
    else:
        done.put((step, None))


def _one_that_ended(
    waiting: dict[str, set[str]], running: set[str], done: queue.Queue[Done]
) -> BaseException | None:
    """Wait a little for a step to end; its error if it had one."""
    try:
        step, error = done.get(timeout=_LOOK_SECONDS)
    except queue.Empty:
        return None
    running.discard(step)
    if error is None:
        for needed in waiting.values():
            needed.discard(step)
    return error
