"""What is printed in a step of a CI service: shown by its log, never obeyed."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import click
import pytest

from reconciler.cli.service_log import GuardedText
from tests.flow.project import Project, new_project

AZURE = "##vso[task.setvariable variable=token]x"
# Long enough to be wrapped just before it.
GITHUB = f"{'x' * 70} ::add-mask::x"
SERVICES = {"github": {"GITHUB_ACTIONS": "true"}, "azure": {"TF_BUILD": "True"}}


@pytest.fixture(name="project")
def hostile(tmp_path: Path) -> Project:
    """Somebody with a hostile name changed a task live, and another has a hostile owner."""
    project = new_project(tmp_path / "workspace", "web-api")
    assert project.run("apply", "--auto-approve").code == 0
    project.write("shop-api", metadata={"owner": f"{AZURE} {GITHUB}"})
    project.actor = f"{AZURE} {GITHUB}"
    project.change_live("web-api", timeout=600)
    return project


def commands(text: str) -> list[str]:
    found = [line for line in text.splitlines() if line.lstrip().startswith("::")]
    return found + [line for line in text.splitlines() if "##vso" in line or "##[" in line]


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    "words",
    [
        ("plan",),
        ("plan", "--full"),
        ("plan", "-o", "json"),
        ("plan", "-o", "markdown"),
        ("drift",),
        ("show", "web-api"),
        ("report", "-o", "json"),
        ("plan", "--target", "::error::x"),
        ("plan", "--base", AZURE),
        ("::error::x",),
    ],
    ids=" ".join,
)
def test_nothing_that_is_quoted_is_a_command(
    project: Project, service: str, words: tuple[str, ...]
) -> None:
    project.environment = SERVICES[service]
    outcome = project.finish(*words)
    assert commands(outcome.out + outcome.err) == []
    assert outcome.out + outcome.err


def test_notes_are_commands_and_what_they_quote_is_not(project: Project) -> None:
    project.environment = SERVICES["github"]
    out = project.finish("plan", "-o", "github", "--target", "*api", "--exclude", "*##vso*").out
    assert out == ""  # it fits nothing
    lines = project.finish("plan", "-o", "github").out.splitlines()
    assert all(line.startswith(("::warning ", "::notice ")) for line in lines[:-1])
    assert "##" not in "".join(lines)


def test_outside_of_a_service_and_in_a_file_text_stays_as_it_is(
    project: Project, tmp_path: Path
) -> None:
    project.environment = {"GITHUB_ACTIONS": "", "TF_BUILD": ""}
    assert commands(project.finish("drift").out)
    project.environment = SERVICES["azure"]
    with (tmp_path / "out.txt").open("w") as file:
        project.finish("drift", stdout=file, stderr=subprocess.DEVNULL)
    assert commands((tmp_path / "out.txt").read_text())


def test_bytes_that_are_no_text_are_guarded_and_stay_what_they_are() -> None:
    raw = io.BytesIO()
    stream = GuardedText(io.TextIOWrapper(raw, encoding="utf-8"))
    click.echo("build | a", file=stream)
    click.echo(b"build | \xff ##vso[task.complete]", file=stream)
    click.echo("c", file=stream)
    assert raw.getvalue() == b"build | a\nbuild | \xff # #vso[task.complete]\nc\n"
