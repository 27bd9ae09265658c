"""Programs are watched, stopped with everything they started, and known again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from reconciler.adapters.processes.alive import is_alive, process_started, this_process
from reconciler.adapters.processes.process import capture, end_group, stream
from reconciler.adapters.processes.signals import stop_signals

ENVIRONMENT = {"PATH": "/usr/bin:/bin"}


def never() -> bool:
    return False


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while process_started(pid) is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    return process_started(pid) is None


def test_output_of_both_streams_and_the_exit_code_come_back() -> None:
    chunks: list[bytes] = []
    argv = ["sh", "-c", "echo out; echo err >&2; exit 7"]
    ended = stream(argv, environment=ENVIRONMENT, on_output=chunks.append, stopping=never)
    assert (ended.exit_code, ended.stopped) == (7, False)
    assert sorted(b"".join(chunks).split()) == [b"err", b"out"]


def test_the_program_sees_only_the_environment_it_is_given() -> None:
    os.environ["LEAKED_FOR_A_TEST"] = "yes"
    try:
        _, text = capture(["env"], environment=ENVIRONMENT, timeout=5)
    finally:
        del os.environ["LEAKED_FOR_A_TEST"]
    assert "LEAKED_FOR_A_TEST" not in text


def test_standard_input_is_empty() -> None:
    assert capture(["cat"], environment=ENVIRONMENT, timeout=5) == (0, "")


def test_a_stop_ends_the_whole_group_even_if_it_ignores_the_polite_signal() -> None:
    pids: list[bytes] = []
    script = "trap '' TERM; sleep 100 & echo $!; echo $$; wait; sleep 100"
    ended = stream(
        ["sh", "-c", script],
        environment=ENVIRONMENT,
        on_output=pids.append,
        stopping=lambda: b"".join(pids).count(b"\n") == 2,
    )
    assert ended.stopped
    assert all(gone(int(pid)) for pid in b"".join(pids).split())


def test_a_child_left_behind_does_not_keep_us_waiting() -> None:
    pids: list[bytes] = []
    argv = ["sh", "-c", "sleep 100 & echo $!"]
    ended = stream(argv, environment=ENVIRONMENT, on_output=pids.append, stopping=never)
    assert ended.exit_code == 0
    assert gone(int(b"".join(pids)))


def test_an_error_of_the_listener_ends_the_program() -> None:
    seen: list[int] = []

    def listen(chunk: bytes) -> None:
        seen.append(int(chunk))
        raise BrokenPipeError

    argv = ["sh", "-c", "echo $$; exec sleep 100"]
    with pytest.raises(BrokenPipeError):
        stream(argv, environment=ENVIRONMENT, on_output=listen, stopping=never)
    assert gone(seen[0])


def started(script: str) -> tuple[subprocess.Popen[bytes], int]:
    """A shell that leads its own session, and the number that it printed first."""
    process = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def test_with_grace_a_program_may_end_by_itself() -> None:
    process, _ = started("trap 'echo bye; exit 3' TERM; echo $$; while :; do sleep 0.01; done")
    with process:
        end_group(process, grace=20)
        assert process.stdout is not None
        assert (process.returncode, process.stdout.read()) == (3, b"bye\n")


def test_after_the_grace_everything_it_started_is_gone() -> None:
    process, child = started("trap '' TERM; sleep 100 & echo $!; wait; sleep 100")
    with process:
        end_group(process, grace=0.05)
    assert process.returncode == -signal.SIGKILL
    assert gone(child)


def test_what_a_program_that_has_ended_left_behind_is_gone() -> None:
    process, child = started("trap '' TERM; sleep 100 & echo $!")
    with process:
        end_group(process, grace=20)
    assert process.returncode == 0
    assert gone(child)


def test_importing_looks_for_no_program() -> None:
    words = "import shutil; shutil.which = None; import reconciler.adapters.processes.process"
    subprocess.run([sys.executable, "-c", words], check=True)


def test_a_short_program_that_hangs_is_a_timeout() -> None:
    with pytest.raises(TimeoutError):
        capture(["sleep", "100"], environment=ENVIRONMENT, timeout=0.1)


def test_a_missing_program_is_an_os_error() -> None:
    with pytest.raises(FileNotFoundError):
        capture(["/nowhere/program"], environment=ENVIRONMENT, timeout=1)


def test_this_process_is_alive_and_a_later_one_with_its_number_is_not() -> None:
    own = this_process()
    assert is_alive(own.pid, own.started)
    assert not is_alive(own.pid, own.started + "1")


def test_a_number_nobody_has_is_not_alive(tmp_path: Path) -> None:
    assert process_started(2**22 + 1) is None


def test_signals_set_the_event_and_the_old_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stop_signals() as event:
        os.kill(os.getpid(), signal.SIGTERM)
        assert event.wait(5)
    assert signal.getsignal(signal.SIGTERM) is before


def test_another_thread_gets_an_event_and_no_handlers() -> None:
    handlers: list[object] = []

    def work() -> None:
        with stop_signals() as event:
            handlers.append((event.is_set(), signal.getsignal(signal.SIGTERM)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [(False, signal.getsignal(signal.SIGTERM))]
    assert sys.executable
