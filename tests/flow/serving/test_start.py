"""A daemon that cannot begin, or may not: what it says, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flow.project import Project
from tests.flow.serving.desk import eventually
from tests.flow.serving.test_hooks import served


@pytest.fixture(name="project")
def workspace(tmp_path: Path) -> Project:
    return served(tmp_path / "workspace")


def started(root: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "reconciler", *words],
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, dict[str, str]]:
    """The exit code of a daemon, and the one line that it wrote."""
    out, err = process.communicate(timeout=60)
    assert out == ""
    (line,) = err.splitlines()
    found = json.loads(line)
    assert found.pop("part") == "serve"
    assert found.pop("time")
    return process.returncode, found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_while_it_begins_it_ends_with_0(
    project: Project, number: signal.Signals
) -> None:
    process = started(project.root, "serve", "--listen", "127.0.0.1:0", "--no-worker")
    eventually(lambda: handles(process.pid, number))
    process.send_signal(number)
    process.send_signal(number)  # a service manager may tell the whole group, and each of it
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")
    # In the first moments; a machine that takes its time may be further.
    assert json.loads(err.splitlines()[-1])["message"].startswith("stopping")
    assert all(json.loads(line)["time"] for line in err.splitlines())


def handles(process: int, number: signal.Signals) -> bool:
    """True once a process does something of its own at a signal."""
    status = Path(f"/proc/{process}/status").read_text("ascii")
    caught = int(status.split("SigCgt:")[1].split()[0], 16)
    # Python itself handles SIGINT from its beginning: ours come together.
    both = {signal.SIGTERM, number}
    return all(caught >> (one - 1) & 1 for one in both)


def test_a_workspace_that_is_wrong_is_told_in_a_line(project: Project) -> None:
    config = project.root / "reconciler.yaml"
    config.write_text(config.read_text() + "surprise: 1\n")
    code, told = ended(started(project.root, "serve"))
    assert code == 1
    assert "surprise" in told["error"]
    assert "reconciler.yaml:" in told["error"]


def test_words_that_are_wrong_are_told_in_a_line(project: Project) -> None:
    code, told = ended(started(project.root, "-C", ".", "serve", "--listen", "nowhere"))
    assert code == 64
    assert "it is HOST:PORT" in told["error"]


def test_a_folder_without_a_workspace_is_told_with_the_fix(tmp_path: Path) -> None:
    code, told = ended(started(tmp_path, "serve"))
    assert code != 0
    assert told["error"]
    assert told["fix"]


def test_other_commands_speak_to_people(tmp_path: Path) -> None:
    process = started(tmp_path, "plan")
    _, err = process.communicate(timeout=60)
    assert err.startswith("error: ")
