"""Base before app, through the commands; and deletes that look like renames."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.flow.project import Project, new_project

HOST = "registry.contoso.example"
BASE = {"docker": {"images": ["base/python:{{.Run.ID}}"]}}
APP = {"docker": {"images": ["app:1"], "args": {"BASE": f"{HOST}/base/python:3"}}}


@pytest.fixture(name="project")
def with_an_app_before_its_base(tmp_path: Path) -> Project:
    """The app's name comes first, its base's last."""
    project = new_project(tmp_path / "workspace", "middle")
    project.write("app-api", step=APP)
    project.write("zz-base", step=BASE)
    return project


def written(project: Project, *words: str) -> list[str]:
    """The names in the order in which `apply` wrote them."""
    outcome = project.run("apply", "--auto-approve", *words)
    assert outcome.code == 0, outcome.err
    return re.findall(r"^\[\d+/\d+\] . contoso/(\S+)", outcome.out, re.MULTILINE)


def test_a_base_is_made_before_its_app_and_goes_after_it(project: Project) -> None:
    assert written(project) == ["middle", "zz-base", "app-api"]
    project.write("app-api", step=APP, timeout=900)
    project.write("zz-base", step=BASE, timeout=900)
    assert written(project) == ["zz-base", "app-api"]
    for name in ("app-api", "zz-base"):
        (project.root / f"specs/{name}.yaml").unlink()
    assert written(project) == ["app-api", "zz-base"]


def test_a_base_in_a_dockerfile_of_the_workspace_counts(project: Project) -> None:
    project.write("app-api", context={"source": "app"}, step={"docker": {"images": ["app:1"]}})
    (project.root / "app").mkdir()
    dockerfile = project.root / "app/Dockerfile"
    dockerfile.write_text(f"FROM {HOST}/base/python:3\n")
    assert depends(project)["contoso/app-api"] == ["contoso/zz-base"]
    for text in ("FROM scratch\n", f"FROM {HOST}/base/python:3 AS\n", None):
        dockerfile.unlink()
        if text is not None:
            dockerfile.write_text(text)
        assert depends(project)["contoso/app-api"] == []


def test_a_base_that_differs_and_is_left_out_is_warned_of(project: Project) -> None:
    assert bases(project, "--target", "app-*") == {"contoso/zz-base": ["contoso/app-api"]}
    words = ("plan", "--target", "app-api")
    told = "contoso/zz-base is left out and differs too, and contoso/app-api builds on it"
    assert f"warning: {told}" in " ".join(project.run(*words).out.split())
    assert told in " ".join(project.run(*words, "-o", "markdown").out.split())
    github = project.run(*words, "-o", "github").out.splitlines()
    assert any(line.startswith("::warning ") and told in line for line in github)


def test_a_base_that_is_as_declared_or_chosen_too_is_not_warned_of(project: Project) -> None:
    assert bases(project, "--target", "*-*") == {}
    assert bases(project, "--target", "middle") == {}
    assert project.run("apply", "--auto-approve", "--target", "zz-base").code == 0
    assert bases(project, "--target", "app-api") == {}


def test_a_task_that_names_another_as_downstream_is_its_base(project: Project) -> None:
    project.write("aa-other", metadata={"downstream": ["middle"]})
    assert bases(project, "--exclude", "aa-other") == {"contoso/aa-other": ["contoso/middle"]}


def bases(project: Project, *words: str) -> dict[str, list[str]]:
    outcome = project.run("plan", "-o", "json", *words)
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)["left_out"]["bases"]
    return {one["address"]: one["needed_by"] for one in found}


def depends(project: Project) -> dict[str, list[str]]:
    plan = json.loads(project.run("plan", "-o", "json").out)
    return {change["address"]: change["depends_on"] for change in plan["changes"]}


def test_tasks_that_take_from_each_other_are_told_and_applied(project: Project) -> None:
    args = {"FIRST": f"{HOST}/app:0"}
    project.write("zz-base", step={"docker": {**BASE["docker"], "args": args}})
    told = " ".join(project.run("plan").out.split())
    assert "warning: contoso/app-api, contoso/zz-base depend on each other" in told
    assert written(project) == ["app-api", "middle", "zz-base"]


def test_a_delete_and_a_create_that_are_alike_are_told_of(project: Project) -> None:
    assert project.run("apply", "--auto-approve").code == 0
    (project.root / "specs/app-api.yaml").unlink()
    project.write("app-new", step=APP)
    planned = project.run("plan")
    told = " ".join(planned.out.split())
    assert "contoso/app-api -> contoso/app-new looks like a rename" in told
    assert "add `movedFrom: [app-api]` to the metadata of specs/app-new.yaml" in told
    comment = project.run("plan", "-o", "markdown").out
    assert "looks like a rename" in comment
    project.write("app-new", step=APP, metadata={"movedFrom": ["app-api"]})
    assert "looks like" not in project.run("plan").out
