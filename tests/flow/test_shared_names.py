"""A name that several live tasks write: the plan names those that go on writing it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.flow.project import Project, new_project
from tests.flow.repository import commit, git

IMAGE = "registry.contoso.example/img05:{run id}"


def write(project: Project, name: str, image: str) -> None:
    project.write(name, step={"docker": {"images": [image]}})


@pytest.fixture(name="project")
def where_a_task_takes_up_the_name_of_another(tmp_path: Path) -> Project:
    project = new_project(tmp_path / "workspace")
    for number in (4, 5, 6):
        write(project, f"task-{number:02d}", f"img{number:02d}:{{{{.Run.ID}}}}")
    git(project.root, "init", "-q")
    commit(project.root)
    assert project.run("apply", "--auto-approve").code == 0
    write(project, "task-04", "img05:{{.Run.ID}}")
    return project


@pytest.mark.parametrize("words", [(), ("--base", "HEAD"), ("--target", "task-04")])
def test_who_goes_on_writing_a_name_is_told_in_every_format(
    project: Project, words: tuple[str, ...]
) -> None:
    (path,) = json.loads(project.run("plan", "-o", "json", *words).out)["releases"]
    assert (path["image"], path["beside"]) == (IMAGE, ["contoso/task-05"])
    told = f"contoso/task-04 now writes {IMAGE}, which contoso/task-05 goes on writing"
    assert told in " ".join(project.run("plan", *words).out.split())
    assert told in project.run("plan", "-o", "github", *words).out
    assert "which `contoso/task-05` goes on writing" in project.run("plan", "-o", "markdown").out
