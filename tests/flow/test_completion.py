"""Completion, asked as a shell asks."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.flow.project import Outcome, Project, new_project
from tests.unit.plan.builders import stored, task


@pytest.fixture(name="project")
def applied(tmp_path: Path) -> Project:
    project = new_project(tmp_path / "workspace", "web-api", "web-two", "shop-api")
    assert project.run("apply", "--auto-approve").code == 0
    return project


def asked(project: Project, line: str) -> list[str]:
    """What bash is offered for the last word of a line."""
    words = line.split(" ")
    project.environment = {
        "_RECONCILER_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    outcome: Outcome = project.finish()
    assert (outcome.code, outcome.err) == (0, "")
    return [row.partition(",")[2] for row in outcome.out.splitlines() if row]


def test_commands_and_options_are_completed(project: Project) -> None:
    assert asked(project, "reconciler pl") == ["plan"]
    assert "--target" in asked(project, "reconciler plan --t")


def test_names_of_live_tasks_are_completed(project: Project) -> None:
    assert asked(project, "reconciler import web") == ["web-api", "web-two"]
    assert asked(project, "reconciler import contoso/s") == ["contoso/shop-api"]
    assert asked(project, "reconciler run shop") == ["shop-api"]


def test_a_name_of_two_tasks_is_completed_to_their_addresses(project: Project) -> None:
    other = task("shop-api", metadata={"registry": "fabrikam"})
    with project.opened() as opened:
        opened.provider.create(other.address, stored(other).document)
    assert asked(project, "reconciler show shop") == []
    assert asked(project, "reconciler show f") == ["fabrikam/shop-api"]


def test_fields_are_completed(project: Project) -> None:
    assert asked(project, "reconciler explain spec.tr") == ["spec.triggers"]
    assert "metadata.owner" in asked(project, "reconciler explain metadata.")


def test_outside_a_workspace_nothing_is_offered_and_nothing_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert asked(Project(tmp_path / "empty"), "reconciler import web") == []


def test_the_script_of_bash_is_one_that_bash_understands(project: Project) -> None:
    outcome = project.run("completion", "bash")
    assert outcome.code == 0
    checked = subprocess.run(["bash", "-n"], input=outcome.out, text=True, check=False)
    assert checked.returncode == 0
    assert "_RECONCILER_COMPLETE=bash_complete" in outcome.out


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_there_is_a_script_for_other_shells(project: Project, shell: str) -> None:
    assert f"_RECONCILER_COMPLETE={shell}_complete" in project.run("completion", shell).out


def test_another_shell_is_wrong_usage(project: Project) -> None:
    assert project.run("completion", "csh").code == 64
