"""Asked to stop by a person or a service: the lock is given back, the way on is told."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from tests.flow.project import Project, new_project
from tests.flow.test_locks import until

# The command, of which one function waits at its call until the file `go` is there.
# Whoever runs the tests may ignore signals: `nohup`, or a job in the background.
HEARING = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
"""
WAITING = """
import importlib, sys, time
from pathlib import Path
from reconciler.cli.main import entry_point

owner, _, name = {place!r}.rpartition(".")
module, _, kind = owner.partition(":")
holder = importlib.import_module(module)
holder = getattr(holder, kind) if kind else holder
real = getattr(holder, name)

def waiting(*words):
    if {first} and not Path("passed").exists():
        Path("passed").touch()
        return real(*words)
    Path("started").touch()
    while not Path("go").exists():
        time.sleep(0.01)
    return real(*words)

setattr(holder, name, waiting)
entry_point()
"""
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
CHECK = "reconciler.operations.applying.apply.check_all"
WRITE = "reconciler.providers.embedded:EmbeddedProvider.update"
TELL = "reconciler.report.apply_text.step_lines"
REMEMBER = "reconciler.operations.applying.writer.remember"
RESUMED = "reconciler.operations.applying.resume.check_all"


@pytest.fixture(name="project")
def with_three_tasks(tmp_path: Path) -> Project:
    return new_project(tmp_path / "workspace", "cart-api", "shop-api", "web-api")


def stopped(
    project: Project, number: int, place: str, *words: str, second: bool = False
) -> tuple[int, str]:
    """A command that is told to stop while it waits in a function: exit code, words on stderr."""
    (project.root / "started").unlink(missing_ok=True)
    process = project.spawn(*words, code=HEARING + WAITING.format(place=place, first=second))
    until((project.root / "started").exists)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    return process.returncode, " ".join(err.split())


def lock_is_free(project: Project) -> bool:
    return "no lock: nobody is applying" in " ".join(project.run("lock", "list").out.split())


def resume_of(told: str) -> list[str]:
    """The command that goes on, as it is printed."""
    found = re.search(r"reconciler (apply --resume a-\w+)", told)
    assert found is not None, told
    return found[1].split()


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize(("place", "done"), [(WRITE, 1), (TELL, 2), (REMEMBER, 2)])
def test_an_apply_that_is_stopped_tells_how_far_it_came_and_how_to_go_on(
    project: Project, number: int, place: str, done: int
) -> None:
    code, told = stopped(project, number, place, "apply", "--auto-approve", second=True)
    assert (code, f"interrupted after {done} of 3 writes" in told) == (130, True)
    # What was written is named as that, and what was not as that.
    assert ("after contoso/shop-api" if done == 2 else "at contoso/shop-api") in told
    assert len(project.live()) == done
    assert lock_is_free(project)
    assert project.run(*resume_of(told)).code == 0
    assert len(project.live()) == 3
    assert project.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("number", SIGNALS)
def test_before_the_first_write_nothing_is_noted_and_apply_does_all(
    project: Project, number: int
) -> None:
    code, told = stopped(project, number, CHECK, "apply", "--auto-approve")
    assert (code, "interrupted after 0 of 3 writes" in told) == (130, True)
    assert "--resume" not in told
    assert lock_is_free(project)
    assert "Applied 3 of 3." in project.run("apply", "--auto-approve").out


def test_a_resume_that_is_stopped_can_be_resumed(project: Project) -> None:
    stopped(project, signal.SIGTERM, WRITE, "apply", "--auto-approve", second=True)
    code, told = stopped(project, signal.SIGTERM, RESUMED, "apply", "--resume")
    assert (code, "interrupted after 1 of 3 writes" in told) == (130, True)
    assert lock_is_free(project)
    assert project.run(*resume_of(told)).code == 0
    assert len(project.live()) == 3


def test_a_destroy_that_is_stopped_goes_on_by_resume(project: Project) -> None:
    assert project.run("apply", "--auto-approve").code == 0
    delete = "reconciler.providers.embedded:EmbeddedProvider.delete"
    words = ("destroy", "--auto-approve", "--confirm", "contoso")
    code, told = stopped(project, signal.SIGTERM, delete, *words, second=True)
    assert (code, "interrupted after 1 of 3 writes" in told) == (130, True)
    assert lock_is_free(project)
    assert project.run(*resume_of(told)).code == 0
    assert project.live() == {}


def test_a_plan_that_is_stopped_is_130_too(project: Project) -> None:
    code, told = stopped(
        project, signal.SIGTERM, "reconciler.operations.planning.plan.head_of", "plan"
    )
    assert (code, told) == (130, "interrupted")


def test_a_signal_that_was_to_be_ignored_is_ignored(project: Project) -> None:
    ignoring = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    code = ignoring + WAITING.format(place=WRITE, first=False)
    process = project.spawn("apply", "--auto-approve", code=code)
    until((project.root / "started").exists)
    process.send_signal(signal.SIGHUP)
    (project.root / "go").touch()
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, "Applied 3 of 3." in out) == (0, True)


def test_who_is_interrupted_while_the_program_is_read_gets_no_trace(project: Project) -> None:
    code = (
        "import sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'click':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "from reconciler.cli.main import entry_point\n"
    )
    process = project.spawn(code=code)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "interrupted\n")
