"""Row 40: tasks that would build each other anew without an end are refused by plan and apply."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.flow.project import Project, new_project
from tests.flow.test_plan_rebuilds import tell_run

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


def test_row_40_a_task_that_closes_a_circle_with_applied_ones_is_refused(project: Project) -> None:
    write(project, "web-one", f"{SERVER}/web-three:1")
    write(project, "web-two", f"{SERVER}/web-one:1")
    assert project.run("apply", "--auto-approve").code == 0
    write(project, "web-three", f"{SERVER}/web-two:1")
    done = project.run("plan")
    assert done.code == 1
    told = " ".join((done.out + done.err).split())
    for name, place in (("one", "three"), ("two", "one"), ("three", "two")):
        assert f"web-{name}/Dockerfile:2:1" in told
        assert f"stands on {SERVER}/web-{place}:1, which is pushed by contoso/web-{place}" in told
    # What is built on it, or under it, is no link of it.
    write(project, "web-four", f"{SERVER}/web-two:1")
    write(project, "web-five", "alpine:3")
    both = f"{SERVER}/web-five:1 AS x\nFROM {SERVER}/web-two:1\nCOPY --from=x / /"
    write(project, "web-three", both, {"type": "All"})
    done = project.run("plan")
    told = " ".join((done.out + done.err).split())
    assert "web-three/Dockerfile:3:1" in told
    assert told.count("anew without an end") == 3


def test_a_plan_beside_a_circle_that_only_runs_told_of_is_not_refused(project: Project) -> None:
    parts: dict[str, Any] = {"triggers": {"baseImage": {}}}
    for name in ("web-one", "web-two"):
        project.write(name, step={"docker": {"images": [f"{name}:1"]}}, **parts)
    assert project.run("apply", "--auto-approve").code == 0
    tell_run(project, "contoso/web-one", f"{SERVER}/web-two:1")
    tell_run(project, "contoso/web-two", f"{SERVER}/web-one:1")
    write(project, "web-three", f"{SERVER}/web-two:1")
    assert project.run("plan").code == 0
    project.write("web-one", step={"docker": {"images": ["web-one:1"]}}, **parts, timeout=900)
    done = project.run("plan")
    assert done.code == 1
    assert "contoso/web-one would build contoso/web-two anew without an end" in done.err


@pytest.mark.parametrize("base", ["web-one:2", "other:1"])
def test_another_tag_is_another_image(project: Project, base: str) -> None:
    write(project, "web-one", f"{SERVER}/{base}")
    assert project.run("plan").code == 0


def test_a_trigger_that_is_off_closes_no_circle(project: Project) -> None:
    write(project, "web-one", f"{SERVER}/web-one:1", {"status": "Disabled"})
    assert project.run("plan").code == 0
