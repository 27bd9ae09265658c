"""Forked workers: results in order, whatever happens to a worker; none outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.adapters.processes.workers import Workers


def doubled(batch: list[int]) -> tuple[int, list[int]]:
    return os.getpid(), [number * 2 for number in batch]


@pytest.fixture(name="workers")
def two_workers() -> Iterator[Workers[list[int], tuple[int, list[int]]]]:
    workers = Workers(doubled, 2)
    yield workers
    workers.close()


BATCHES = [[number, number + 1] for number in range(25)]
EXPECTED = [doubled(batch)[1] for batch in BATCHES]


def test_results_come_in_order_from_other_processes(
    workers: Workers[list[int], tuple[int, list[int]]],
) -> None:
    found = list(workers.map(BATCHES))
    assert [numbers for _, numbers in found] == EXPECTED
    pids = {pid for pid, _ in found}
    assert len(pids) == 2
    assert os.getpid() not in pids


def test_the_same_workers_do_a_second_lot(
    workers: Workers[list[int], tuple[int, list[int]]],
) -> None:
    first = {pid for pid, _ in workers.map(BATCHES)}
    assert {pid for pid, _ in workers.map(BATCHES)} == first
    assert list(workers.map([])) == []


def test_what_a_killed_worker_had_is_done_here(
    workers: Workers[list[int], tuple[int, list[int]]],
) -> None:
    (victim, _), *_ = workers.map(BATCHES[:1])
    os.kill(victim, signal.SIGKILL)
    found = list(workers.map(BATCHES))
    assert [numbers for _, numbers in found] == EXPECTED
    assert os.getpid() in {pid for pid, _ in found}


def test_large_batches_and_results_do_not_block_each_other() -> None:
    workers = Workers[bytes, bytes](lambda batch: batch * 2, 2)
    try:
        batches = [bytes([number]) * 1_000_000 for number in range(6)]
        assert list(workers.map(batches)) == [batch * 2 for batch in batches]
    finally:
        workers.close()


def test_an_error_of_the_work_is_raised_here_with_its_words() -> None:
    def refuses(batch: int) -> int:
        raise LookupError(f"not {batch}")

    workers = Workers(refuses, 1)
    try:
        with pytest.raises(LookupError, match="not 7"):
            list(workers.map([7]))
    finally:
        workers.close()


def test_no_worker_outlives_a_parent_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import os, time\n"
        "from reconciler.adapters.processes.workers import Workers\n"
        "workers = Workers(lambda batch: os.getpid(), 3)\n"
        "print(*workers.map([1, 2, 3]), flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as one:
        assert one.stdout is not None
        pids = [int(word) for word in one.stdout.readline().split()]
        assert len(set(pids)) == 3
        one.kill()
    end = time.monotonic() + 20
    while any(_runs(pid) for pid in pids) and time.monotonic() < end:
        time.sleep(0.05)
    assert not [pid for pid in pids if _runs(pid)]


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
    except OSError:
        return False
    return state not in {"Z", "X"}


def test_closing_ends_workers_that_are_at_work() -> None:
    workers = Workers[int, None](lambda _batch: time.sleep(60), 2)
    mine = [worker.pid for worker in workers._workers]
    for worker in workers._workers:
        workers._give(worker, 1)
    workers.close()
    assert not [pid for pid in mine if _runs(pid)]


def test_a_worker_works_on_while_what_it_told_is_looked_at(tmp_path: Path) -> None:
    def work(number: int) -> int:
        (tmp_path / str(number)).touch()
        return number

    workers = Workers(work, 1)
    try:
        assert next(iter(workers.map(range(3)))) == 0
        end = time.monotonic() + 20
        while not (tmp_path / "1").exists() and time.monotonic() < end:
            time.sleep(0.01)
        assert (tmp_path / "1").exists()
        assert not (tmp_path / "2").exists()
    finally:
        workers.close()
