"""Runs without a context: their task file or Dockerfile is local, or comes by standard input."""

from __future__ import annotations

import subprocess

import pytest

from tests.live.workshop import COMMAND, Workshop


def fed(workshop: Workshop, text: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A command that is given a text by standard input."""
    return subprocess.run(
        [*COMMAND, *words], cwd=workshop.root, env=workshop.settings(), text=True,
        input=text, capture_output=True, timeout=120, check=False,
    )  # fmt: skip


def steps(workshop: Workshop) -> str:
    return f"version: v1.1.0\nsteps:\n  - cmd: {workshop.base} echo made-{{{{.Values.of}}}}\n"


def test_a_local_task_file_is_run_and_done_again(workshop: Workshop) -> None:
    folder = workshop.root / "elsewhere"
    folder.mkdir()
    (folder / "t.yaml").write_text(steps(workshop))
    done = workshop.call("run", "-f", "elsewhere/t.yaml", "/dev/null", "--set", "of=file")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "made-file" in done.stdout
    (folder / "t.yaml").unlink()
    again = workshop.call("rerun", workshop.last()["id"])
    assert again.returncode == 0, again.stdout + again.stderr
    assert "made-file" in again.stdout


def test_a_task_file_comes_by_standard_input(workshop: Workshop) -> None:
    done = fed(workshop, steps(workshop), "run", "-f", "-", "/DEV/NULL", "--set", "of=input")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "made-input" in done.stdout


def test_a_dockerfile_comes_by_standard_input(workshop: Workshop) -> None:
    text = f"FROM {workshop.base}\nRUN echo built-by-input\n"
    done = fed(workshop, text, "build", "-f", "-", "/dev/null", "--no-push", "--no-cache")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "built-by-input" in done.stdout


def test_a_local_dockerfile_is_built(workshop: Workshop) -> None:
    (workshop.root / "Only").write_text(f"FROM {workshop.base}\nRUN echo built-by-file\n")
    done = workshop.call("build", "-f", "Only", "/dev/null", "--no-push", "--no-cache")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "built-by-file" in done.stdout


@pytest.mark.parametrize(
    ("text", "words", "told"),
    [
        ("x", ("run", "-f", "-", "."), "-f - goes with the context /dev/null"),
        ("", ("run", "-f", "-", "/dev/null"), "standard input is empty"),
        ("x" * (1 << 21), ("build", "-f", "-", "/dev/null"), "standard input has more than 1 MiB"),
        ("", ("run", "-f", "no.yaml", "/dev/null"), "-f no.yaml cannot be read: No such file"),
        ("", ("run", "-f", "/", "/dev/null"), "-f / cannot be read: Is a directory"),
    ],
)
def test_what_cannot_be_taken_is_told_before_the_run(
    workshop: Workshop, text: str, words: tuple[str, ...], told: str
) -> None:
    done = fed(workshop, text, *words)
    assert done.returncode == 64
    assert told in " ".join(done.stderr.split())
