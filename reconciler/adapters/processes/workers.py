"""The same pure work on many batches, in forked processes, with the results in order.

Our own and not `concurrent.futures`: its workers outlive a parent that is killed (each holds the
others' pipes open), and importing it costs more than a small workspace takes to read. A worker
here ends with its pipe, ignores Ctrl-C (the parent stops it), and if it dies its batch is done by
the parent: a result never depends on how many processes there were.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
import struct
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Generic, TypeVar

Batch = TypeVar("Batch")
Result = TypeVar("Result")

_LENGTH = struct.Struct(">Q")
_MOST = 8


def processors() -> int:
    """How many workers are worth starting: one for each processor we may use, at most eight."""
    return min(len(os.sched_getaffinity(0)), _MOST)


@dataclass(slots=True)
class _Worker:
    pid: int
    to: BinaryIO
    back: BinaryIO
    alive: bool = True


class Workers(Generic[Batch, Result]):
    """Processes that do `work`, forked now: they know what is known now. Close them at the end.

    Batches and results are pickled through private pipes between our own processes.
    """

    def __init__(self, work: Callable[[Batch], Result], count: int) -> None:
        self._work = work
        self._workers: list[_Worker] = []
        for _ in range(count):
            self._workers.append(self._start())

    def map(self, batches: Iterable[Batch]) -> Iterator[Result]:
        """The results in the order of the batches; each worker has one batch at a time."""
        waiting: deque[tuple[_Worker, Batch]] = deque()
        for number, batch in enumerate(batches):
            worker = self._workers[number % len(self._workers)]
            # The oldest is this worker's: once it is told it has read everything, and is free to
            # be written to. It works on while what it told is looked at.
            full = len(waiting) == len(self._workers)
            told = [self._result(*waiting.popleft())] if full else []
            self._give(worker, batch)
            waiting.append((worker, batch))
            yield from told
        while waiting:
            yield self._result(*waiting.popleft())

    def close(self) -> None:
        """End the processes, whatever they are doing."""
        for worker in self._workers:
            for pipe in (worker.to, worker.back):
                with contextlib.suppress(OSError):
                    pipe.close()
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(worker.pid, 0)
        self._workers = []

    def _start(self) -> _Worker:
        to_read, to_write = os.pipe()
        back_read, back_write = os.pipe()
        pid = os.fork()
        if pid:
            os.close(to_read)
            os.close(back_write)
            return _Worker(pid, os.fdopen(to_write, "wb"), os.fdopen(back_read, "rb"))
        # Whatever happens, this process ends here and touches nothing of its parent's.
        try:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            for other in self._workers:  # else they would not end with the parent
                os.close(other.to.fileno())
                os.close(other.back.fileno())
            os.close(to_write)
            os.close(back_read)
            gc.freeze()  # what is known is not looked through again: its memory stays shared
            with os.fdopen(to_read, "rb") as source, os.fdopen(back_write, "wb") as target:
                while (batch := _receive(source)) is not None:
                    _send(target, self._work(batch[0]))
        except BaseException:  # noqa: BLE001, S110  (the parent does the batch again, and tells)
            pass
        finally:
            os._exit(0)

    def _give(self, worker: _Worker, batch: Batch) -> None:
        if worker.alive:
            try:
                _send(worker.to, batch)
            except OSError:
                worker.alive = False

    def _result(self, worker: _Worker, batch: Batch) -> Result:
        if worker.alive:
            try:
                answer = _receive(worker.back)
            except (OSError, EOFError):
                answer = None
            if answer is not None:
                result: Result = answer[0]
                return result
            worker.alive = False
        return self._work(batch)


def _send(pipe: BinaryIO, value: Any) -> None:
    data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    pipe.write(_LENGTH.pack(len(data)))
    pipe.write(data)
    pipe.flush()


def _receive(pipe: BinaryIO) -> tuple[Any] | None:
    """The next value, in a tuple; None at the end."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    data = pipe.read(length)
    # Written by a process that we forked, to a pipe that nobody else has.
    return (pickle.loads(data),) if len(data) == length else None  # noqa: S301
