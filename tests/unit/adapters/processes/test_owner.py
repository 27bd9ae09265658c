"""What a dead process of ours left running is ended; nothing else is."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from reconciler.adapters.processes.alive import process_started
from reconciler.adapters.processes.owner import (
    VARIABLE,
    end_orphans,
    owner_lives,
    owner_of_this_process,
)
from reconciler.adapters.processes.process import end_group, has_ended

NOBODY = "4194305-1"  # above the largest process number there can be

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts programs that sleep, in a session of their own; ends them."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(owner: str, command: str = "sleep 300", **options: int) -> subprocess.Popen[bytes]:
        environment = {"PATH": os.environ["PATH"], VARIABLE: owner}
        program: subprocess.Popen[bytes] = subprocess.Popen(
            ["sh", "-c", command],
            env=environment,
            stdout=subprocess.PIPE,
            start_new_session=True,
            **options,  # type: ignore[call-overload]
        )
        started.append(program)
        return program

    yield begin
    for program in started:
        end_group(program)
        assert program.stdout is not None
        program.stdout.close()


def members(*programs: subprocess.Popen[bytes]) -> list[Path]:
    """The processes of these groups: whatever breaks, a test reaches no others."""
    groups, found = {program.pid for program in programs}, []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(ProcessLookupError):
            if os.getpgid(int(path.name)) in groups:
                found.append(path)
    return found


def test_a_program_of_a_dead_owner_is_ended_with_all_that_it_started(start: Start) -> None:
    program = start(NOBODY, "sleep 300 & echo begun; wait")
    assert program.stdout is not None
    assert program.stdout.readline() == b"begun\n"
    end_orphans(lambda: members(program))
    assert program.wait(timeout=10) == -9
    assert program.stdout.read() == b""  # the pipe is closed: nobody is left


def test_programs_of_the_living_and_of_nobody_go_on(start: Start) -> None:
    programs = [start(owner) for owner in (owner_of_this_process(), "", "words", "-")]
    end_orphans(lambda: members(*programs))
    assert not any(has_ended(program) for program in programs)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_programs_of_another_user_go_on(start: Start) -> None:
    program = start(NOBODY, "sleep 300", user=12345)
    end_orphans(lambda: members(program))
    assert not has_ended(program)


def test_numbers_of_another_namespace_mean_nothing(start: Start) -> None:
    program = start(NOBODY, "exec unshare --pid --fork sh -c 'echo begun; sleep 300'")
    assert program.stdout is not None
    if program.stdout.readline() != b"begun\n":
        pytest.skip("no namespace can be made here")
    inner = int(Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()[0])
    end_orphans(lambda: members(program))
    assert program.wait(timeout=10) != 0  # unshare itself is of our namespace
    assert process_started(inner) is not None


def test_a_later_process_with_the_same_number_is_not_the_owner() -> None:
    own = owner_of_this_process()
    assert owner_lives(own)
    assert not owner_lives(f"{os.getpid()}-1")
