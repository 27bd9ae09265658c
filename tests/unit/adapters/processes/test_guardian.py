"""The guardian: real programs, ended at their deadline, and when either side is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.adapters.processes import guardian as ours
from reconciler.adapters.processes import guardian_process as theirs
from reconciler.adapters.processes.guardian import Guardian, GuardianGone, Over, boottime

FAR = 1e9


@pytest.fixture(name="guardian")
def running() -> Iterator[Guardian]:
    started = Guardian(dict(os.environ))
    yield started
    started.close()


def sh(script: str) -> list[str]:
    return ["sh", "-c", script]


def eventually(check: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def wait_for(guardian: Guardian, count: int = 1) -> list[Over]:
    found: list[Over] = []

    def enough() -> bool:
        found.extend(guardian.over(0.5))
        return len(found) >= count

    eventually(enough)
    return found


def lives(path: Path) -> bool:
    """True while the process whose number stands in a file runs."""
    return runs(int(path.read_text()))


def runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return state.rpartition(")")[2].split()[0] not in {"Z", "X"}


def test_an_end_is_told_with_its_code(guardian: Guardian) -> None:
    guardian.start("a", sh("exit 7"), [], FAR)
    guardian.start("b", sh("kill -9 $$"), [], FAR)
    assert sorted(wait_for(guardian, 2), key=lambda over: over.key) == [
        Over("a", 7, late=False),
        Over("b", -9, late=False),
    ]
    assert guardian.over() == []


def test_a_deadline_ends_a_program_and_all_it_started(guardian: Guardian, tmp_path: Path) -> None:
    note = tmp_path / "child"
    script = f"trap '' TERM; (trap '' TERM; sh -c 'echo $$ >{note}; exec sleep 600') & wait"
    guardian.start("a", sh(script), [], boottime() + 0.7)
    eventually(lambda: note.exists() and note.read_text())
    assert lives(note)
    assert wait_for(guardian) == [Over("a", -9, late=True)]
    eventually(lambda: not lives(note))


def test_a_deadline_that_moves_on_ends_nothing(guardian: Guardian) -> None:
    guardian.start("a", sh("sleep 1.5"), [], boottime() + 0.5)
    guardian.extend("a", FAR)
    assert wait_for(guardian) == [Over("a", 0, late=False)]
    guardian.extend("a", boottime())
    guardian.end("a")
    assert guardian.over(0.2) == []


def test_a_deadline_may_come_nearer(guardian: Guardian) -> None:
    guardian.start("a", sh("sleep 600"), [], FAR)
    guardian.extend("a", boottime() + 0.2)
    assert wait_for(guardian) == [Over("a", -9, late=True)]


def test_a_program_is_ended_when_that_is_asked(guardian: Guardian) -> None:
    guardian.start("a", sh("sleep 600"), [], FAR)
    guardian.end("a")
    assert wait_for(guardian) == [Over("a", -9, late=False)]


def test_afterwards_is_done_before_an_end_is_told(guardian: Guardian, tmp_path: Path) -> None:
    note = tmp_path / "done"
    guardian.start("a", sh("sleep 600"), sh(f"sleep 0.5; echo x >{note}"), boottime() + 0.2)
    assert wait_for(guardian) == [Over("a", -9, late=True)]
    assert note.read_text() == "x\n"


def test_afterwards_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # The guardian is a process of its own: its bound is lowered in a copy of its module.
    source = Path(theirs.__file__).read_text()
    copy = tmp_path / "quick_guardian.py"
    copy.write_text(source.replace("AFTERWARDS_SECONDS = 15.0", "AFTERWARDS_SECONDS = 0.3"))
    monkeypatch.setattr(ours, "_PROCESS", "quick_guardian")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    guardian = Guardian({**os.environ, "PYTHONPATH": path})
    guardian.start("a", sh("exit 3"), sh("sleep 600"), FAR)
    assert wait_for(guardian) == [Over("a", 3, late=False)]
    guardian.close()


WORKER = """
import os, sys, time
from reconciler.adapters.processes.guardian import Guardian
guardian = Guardian(dict(os.environ))
note, tidy = sys.argv[1:]
guardian.start("a", ["sh", "-c", f"echo $$ >{note}; exec sleep 600"], ["touch", tidy], 1e9)
print(guardian.pid, flush=True)
time.sleep(600)
"""


def worker(tmp_path: Path) -> tuple[subprocess.Popen[str], int, Path, Path]:
    note, tidy = tmp_path / "program", tmp_path / "tidied"
    argv = [sys.executable, "-c", WORKER, str(note), str(tidy)]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        pid = int(process.stdout.readline())
    eventually(lambda: note.exists() and note.read_text())
    return process, pid, note, tidy


def test_a_worker_that_is_killed_takes_its_programs_along(tmp_path: Path) -> None:
    process, pid, note, tidy = worker(tmp_path)
    process.kill()
    process.wait()
    eventually(lambda: not lives(note) and tidy.exists() and not runs(pid))


def test_a_worker_that_is_frozen_does_not_keep_a_deadline_away(tmp_path: Path) -> None:
    note = tmp_path / "program"
    program = WORKER.replace("1e9", "__import__('time').clock_gettime(7) + 1.5")
    argv = [sys.executable, "-c", program, str(note), str(tmp_path / "tidied")]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    try:
        eventually(lambda: note.exists() and note.read_text())
        os.kill(process.pid, signal.SIGSTOP)
        eventually(lambda: not lives(note) and (tmp_path / "tidied").exists())
    finally:
        process.kill()
        process.wait()


def test_a_guardian_that_is_killed_takes_its_programs_along(
    guardian: Guardian, tmp_path: Path
) -> None:
    note = tmp_path / "program"
    guardian.start("a", sh(f"echo $$ >{note}; exec sleep 600"), [], FAR)
    eventually(lambda: note.exists() and note.read_text())
    os.kill(guardian.pid, signal.SIGKILL)
    eventually(lambda: not lives(note))
    with pytest.raises(GuardianGone):
        wait_for(guardian)
    with pytest.raises(GuardianGone):
        guardian.start("b", sh("exit 0"), [], FAR)


def test_signals_to_the_whole_service_do_not_end_the_guardian(guardian: Guardian) -> None:
    guardian.start("first", sh("exit 0"), [], FAR)
    wait_for(guardian)
    guardian.start("a", sh("sleep 0.5; exit 4"), [], FAR)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(guardian.pid, number)
    assert wait_for(guardian) == [Over("a", 4, late=False)]


def test_a_program_that_cannot_be_started_is_over(guardian: Guardian) -> None:
    guardian.start("a", ["/no/such/program"], [], FAR)
    (over,) = wait_for(guardian)
    assert over.exit_code != 0
    guardian.start("b", sh("exit 0"), [], FAR)
    assert wait_for(guardian) == [Over("b", 0, late=False)]
