"""Row 40: tasks that would build each other anew without an end are refused by plan and apply."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow.project import Project, new_project

SERVER = "registry.contoso.example"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "workspace")


def write(project: Project, name: str, base: str, trigger: object = None) -> None:
    folder = project.root / name
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(f"# one\nFROM {base}\n")
    triggers = {} if trigger is False else {"baseImage": trigger or {}}
    docker = {"images": [f"{name}:1"]}
    project.write(name, context={"source": name}, step={"docker": docker}, triggers=triggers)


def test_row_40_a_task_that_stands_on_what_it_pushes_is_refused(project: Project) -> None:
    write(project, "web-one", f"{SERVER}/web-one:1")
    done = project.run("plan")
    assert done.code == 1
    told = " ".join((done.out + done.err).split())
    assert "web-one/Dockerfile:2:1" in told
    assert "contoso/web-one would build itself anew without an end" in told


def test_row_40_tasks_that_stand_on_each_other_are_refused(project: Project) -> None:
    write(project, "web-one", f"{SERVER}/web-two:1")
    write(project, "web-two", f"{SERVER}/web-one:1")
    done = project.run("apply", "--auto-approve")
    assert done.code == 1
    told = " ".join((done.out + done.err).split())
    assert "contoso/web-one would build contoso/web-two anew without an end" in told
    assert "contoso/web-two would build contoso/web-one anew without an end" in told
    # One of them minds no base: the circle has an end.
    write(project, "web-two", f"{SERVER}/web-one:1", False)
    assert project.run("plan").code == 0


@pytest.mark.parametrize("base", ["web-one:2", "other:1"])
def test_another_tag_is_another_image(project: Project, base: str) -> None:
    write(project, "web-one", f"{SERVER}/{base}")
    assert project.run("plan").code == 0


def test_a_trigger_that_is_off_closes_no_circle(project: Project) -> None:
    write(project, "web-one", f"{SERVER}/web-one:1", {"status": "Disabled"})
    assert project.run("plan").code == 0
